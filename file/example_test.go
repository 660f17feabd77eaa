package file_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
)

// A client needs a directory; it is made by the first write.
func Example() {
	dir, err := os.MkdirTemp("", "replica")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	client := file.NewReplicaClient(file.Config{Path: dir})
	client.SetLogger(nil)
	defer client.Close()

	for id := ltx.TXID(1); id <= 3; id++ {
		// A real body is an LTX file; any other is stored as it is.
		if _, err := client.WriteLTXFile(ctx, 0, id, id, bytes.NewReader([]byte("transaction"))); err != nil {
			log.Fatal(err)
		}
	}

	files, err := client.LTXFiles(ctx, 0, 2, false)
	if err != nil {
		log.Fatal(err)
	}
	for files.Next() {
		item := files.Item()
		fmt.Println(item.MinTXID, item.Size)
	}
	if err := files.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := client.OpenLTXFile(ctx, 0, 3, 3, 5, 3)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	part, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", part)
	// Output:
	// 0000000000000002 11
	// 0000000000000003 11
	// act
}

// A replica that a Litestream daemon writes is read with its layout. MustExist
// tells a wrong path from an empty replica.
func ExampleNewReplicaClient_litestream() {
	client := file.NewReplicaClient(file.Config{
		Path:      "/var/lib/replicas/no-such-db",
		Layout:    ltxstore.LayoutLitestream,
		MustExist: true,
	})
	fmt.Println(client.Init(context.Background()))
	// Output:
	// file: init: store not found: root directory /var/lib/replicas/no-such-db does not exist
}
