package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/transfer"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// A replica in three stores, of which two must have a file.
func Example() {
	ctx := context.Background()
	one, two, three := mock.NewReplicaClient(mock.Config{}), mock.NewReplicaClient(mock.Config{}), mock.NewReplicaClient(mock.Config{})
	client := mirror.New(one, mirror.Config{
		Others: []ltxstore.ReplicaClient{two, three},
		Policy: mirror.PolicyQuorum,
		OnFailure: func(f mirror.Failure) {
			fmt.Println(f.Op, "failed in replica", f.Replica, errors.Is(f.Err, ltxstore.ErrUnavailable))
		},
	})
	client.SetLogger(nil)
	defer client.Close()

	// One is away.
	if err := two.Inject(mock.Fault{Op: mock.OpWrite, Err: ltxstore.ErrUnavailable}); err != nil {
		log.Fatal(err)
	}
	if _, err := client.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("the only copy")); err != nil {
		log.Fatal(err)
	}
	// It is back, and gets the files that it lacks and another replica has.
	for _, from := range client.Replicas() {
		if from == two {
			continue
		}
		report, err := transfer.Run(ctx, two, from, transfer.Config{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(report.Files[transfer.Copied], "copied")
	}
	rc, err := two.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer rc.Close()
	body, err := io.ReadAll(rc)
	fmt.Println(string(body), err)
	// Output:
	// write failed in replica 1 true
	// 1 copied
	// 0 copied
	// the only copy <nil>
}
