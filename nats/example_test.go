package nats_test

import (
	"context"
	"fmt"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
)

// newNATSClient returns a client of a bucket on a cluster of NATS servers.
func newNATSClient(bucket string) *nats.ReplicaClient {
	return nats.NewReplicaClient(nats.Config{
		URL:      "tls://nats-1.example:4222,tls://nats-2.example:4222",
		Bucket:   bucket,
		Path:     "backups/db",
		Layout:   ltxstore.LayoutLitestream, // names that Litestream's nats replicas have
		Creds:    "/etc/nats/replica.creds",
		Transfer: object.Options{ReadConcurrency: 4}, // ranges of a large file at once; the default is 1
	})
}

func Example() {
	client := newNATSClient("my-bucket")
	defer client.Close()
	fmt.Println(client)
	// Output:
	// nats.Config{URL:"tls://nats-1.example:4222,tls://nats-2.example:4222" Bucket:"my-bucket" Path:"backups/db" Layout:litestream Creds:"/etc/nats/replica.creds" Transfer.ReadConcurrency:4}
}

// A follower need not list a level again and again.
func ExampleReplicaClient_Watch() {
	follow := func(ctx context.Context, client *nats.ReplicaClient) error {
		files, err := client.Watch(ctx, 0)
		if err != nil {
			return err
		}
		for info, err := range files {
			if err != nil {
				return err
			}
			fmt.Println(info.MinTXID, info.MaxTXID)
		}
		return nil
	}
	_ = follow
	// Output:
}
