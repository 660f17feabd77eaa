package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/transfer"
)

// move copies a replica and can be called again whenever it fails.
func move(ctx context.Context, dst, src ltxstore.ReplicaClient) error {
	report, err := transfer.Run(ctx, dst, src, transfer.Config{})
	var partial *ltxstore.PartialError
	if errors.As(err, &partial) {
		for _, failure := range report.Failures {
			fmt.Println(failure.Error)
		}
	}
	if report != nil {
		fmt.Println(report.Files[transfer.Copied], "copied,", report.Files[transfer.Skipped], "skipped")
	}
	return err
}

func Example() {
	store := mock.NewStore()
	src := mock.NewReplicaClient(mock.Config{Store: store, Layout: ltxstore.LayoutLitestream, Path: "old"})
	dst := mock.NewReplicaClient(mock.Config{Store: store, Path: "new"})
	src.SetLogger(nil)
	dst.SetLogger(nil)
	history := ltxmodel.New(1, 3)
	for _, key := range []string{"old/ltx/9/0000000000000001-0000000000000002.ltx", "new/snapshots/0000000000000001-0000000000000002.ltx"} {
		store.Put(key, mock.Object{Body: history.File(1, 2)})
	}
	store.Put("old/ltx/0/0000000000000003-0000000000000003.ltx", mock.Object{Body: history.File(3, 3)})

	if err := move(context.Background(), dst, src); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Keys()[0])
	// Output:
	// 1 copied, 1 skipped
	// new/ltx/0000/0000000000000003-0000000000000003.ltx
}
