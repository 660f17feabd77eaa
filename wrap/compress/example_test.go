package compress_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

// A replica that is stored compressed. Sizes, offsets and times are those of what
// was written.
func Example() {
	ctx := context.Background()
	next := mock.NewReplicaClient(mock.Config{}) // or any other
	next.SetLogger(nil)
	client := compress.New(next, compress.Config{Level: "better"})
	defer client.Close()

	body := replicatest.NewLTXFile(1, 4, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), 3)
	info, err := client.WriteLTXFile(ctx, 1, 1, 4, bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Size == int64(len(body)), info.CreatedAt)

	pages, err := ltxstore.FetchPageIndex(ctx, client, info)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(pages), "pages")
	// Output:
	// true 2024-02-29 12:00:00 +0000 UTC
	// 3 pages
}
