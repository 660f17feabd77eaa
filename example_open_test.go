package ltxstore_test

import (
	"context"
	"fmt"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/file" // for file: URLs
	_ "github.com/ltxstore/ltxstore/mock" // for mem: URLs
)

// openReplica opens the replica at a URL, and checks early whether it is
// usable.
func openReplica(ctx context.Context, url string) (ltxstore.ReplicaClient, error) {
	client, err := ltxstore.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := ltxstore.Init(ctx, client); err != nil {
		return nil, fmt.Errorf("%s: %w", ltxstore.Redact(url), err)
	}
	return client, nil
}

func ExampleOpen() {
	for _, url := range []string{
		"mem://?write-once=true",
		"file:///var/replicas/db?write-once=ture",
		"s3://bucket/db",
	} {
		client, err := openReplica(context.Background(), url)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(client.Type())
	}
	// Output:
	// mock
	// file: init: invalid argument: write-once in the URL is "ture": want true or false
	// ltxstore: init: invalid argument: the backend of s3:// is not imported: want import _ "github.com/ltxstore/ltxstore/s3"
}

func ExampleOpenSource() {
	client, err := ltxstore.OpenSource(context.Background(), ltxstore.Source{
		Type:     "mem",
		Settings: map[string]string{"path": "db", "page-size": "100"},
	})
	fmt.Println(client.Type(), err)
	// Output: mock <nil>
}

func ExampleRedact() {
	fmt.Println(ltxstore.Redact("file:///var/db?write-once=true&token=s3cr3t"))
	fmt.Println(ltxstore.Redact("s3://AKIA:s3cr3t@bucket/db"))
	// Output:
	// file:///var/db?write-once=true&token=[redacted]
	// s3://[redacted]@bucket/db
}

func ExampleFindLayout() {
	open := func(layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
		return ltxstore.Open(context.Background(), "mem://?layout="+layout.String())
	}
	_, found, err := ltxstore.FindLayout(context.Background(), open)
	fmt.Println(found, err)
	// Output: false <nil>
}
