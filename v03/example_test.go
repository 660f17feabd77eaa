package v03_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/v03"
)

// old returns a client of a replica that Litestream v0.3 has written.
func old() ltxstore.ReplicaClient {
	r := newReplica(new(testing.T), 1, 512)
	r.history(2)
	return r.client()
}

func ExampleList() {
	client := old()
	generations, err := v03.List(context.Background(), client)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range generations {
		first, last := g.Bounds()
		fmt.Println(g.Name, first.Format(time.RFC3339), last.Format(time.RFC3339))
		fmt.Println(len(g.Snapshots), "snapshots,", len(g.Segments), "segments")
	}
	// Output:
	// 0123456789abcdef 2023-01-02T03:04:06Z 2023-01-02T03:04:14Z
	// 1 snapshots, 8 segments
}

func ExampleRestore() {
	client := old()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	result, err := v03.Restore(context.Background(), client, filepath.Join(dir, "app.db"), v03.RestoreConfig{
		Target: v03.Target{At: time.Date(2023, 1, 2, 3, 4, 8, 0, time.UTC)},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Generation, result.Index, result.Offset, result.Time.Format(time.RFC3339))
	// Output:
	// 0123456789abcdef 0 7000 2023-01-02T03:04:08Z
}

func ExampleConvert() {
	client, dst := old(), &mock.ReplicaClient{}
	dst.SetLogger(nil)
	result, err := v03.Convert(context.Background(), dst, client, v03.ConvertConfig{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Written, "files, to transaction", result.TXID)
	// Output:
	// 10 files, to transaction 0000000000000009
}
