package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// Pages of a file are read again and again, and its store is asked twice.
func Example() {
	ctx := context.Background()
	next := mock.NewReplicaClient(mock.Config{}) // or any other
	next.SetLogger(nil)
	client := cache.New(next, cache.Config{TTL: 10 * time.Second})
	defer client.Close()

	body := replicatest.NewLTXFile(1, 4, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), 3)
	info, err := client.WriteLTXFile(ctx, 1, 1, 4, bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	pages, err := ltxstore.FetchPageIndex(ctx, client, info)
	if err != nil {
		log.Fatal(err)
	}
	for range 10 {
		if _, _, err := ltxstore.FetchPage(ctx, client, 1, 1, 4, pages[1].Offset, pages[1].Size); err != nil {
			log.Fatal(err)
		}
	}
	stats := client.Stats()
	fmt.Println(stats.ReadMisses, "read,", stats.ReadHits, "hits")
	// Output: 1 read, 10 hits
}
