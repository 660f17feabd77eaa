package config_test

import (
	"context"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
)

// Daemon is the configuration of a daemon, of which one section is ours.
type Daemon struct {
	Addr    string         `yaml:"addr"`
	Replica config.Section `yaml:"replica"`
}

// openReplicas reads a daemon's configuration and opens its replicas.
func openReplicas(ctx context.Context, file []byte) (clients []ltxstore.ReplicaClient, err error) {
	var daemon Daemon
	if err := yaml.Load(file, &daemon); err != nil {
		return nil, err
	}
	replicas, err := daemon.Replica.ParseConfig(config.Options{})
	if err != nil {
		return nil, err
	}
	for _, replica := range replicas {
		client, err := replica.Open(ctx)
		if err != nil {
			return clients, err
		}
		clients = append(clients, client)
	}
	return clients, nil
}

func ExampleSection_ParseConfig() {
	clients, err := openReplicas(context.Background(), []byte(`
addr: ":9090"
replica:
- path: /var/replicas/db
  write-once: true
- url: s3://bucket/db?region=eu-west-3
  part-size: 16MiB
`))
	for _, client := range clients {
		fmt.Println(client.Type())
	}
	fmt.Println(err)

	_, err = openReplicas(context.Background(), []byte("replica: {path: /r, write-once: ture}"))
	fmt.Println(err)
	// Output:
	// file
	// s3
	// <nil>
	// config: replica at line 1, column 10: file: init: invalid argument: write-once (line 1, column 21) is "ture": want true or false
}

// A litestream.yml is read as it is.
func ExampleParse() {
	file, err := config.Parse([]byte(`
dbs:
  - path: /var/lib/app.db
    replica:
      type: s3
      bucket: backups
      path: app
      sync-interval: 5s
`), config.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, db := range file.DBs {
		for _, replica := range db.Replicas {
			fmt.Println(db.Path, replica, replica.Source().Layout)
			for _, setting := range replica.Daemon() {
				fmt.Println(setting.Key, setting.Value)
			}
		}
	}
	// Output:
	// /var/lib/app.db s3://backups/app litestream-s3
	// sync-interval 5s
}
