package gcs_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// newGCSClient returns a client of a bucket on Google Cloud Storage, or on the
// emulator that STORAGE_EMULATOR_HOST names. Credentials are the application's
// default ones, and none for an emulator.
func newGCSClient(bucket string) *gcs.ReplicaClient {
	return gcs.NewReplicaClient(gcs.Config{
		Bucket: bucket,
		Path:   "backups/db",
		Layout: ltxstore.LayoutLitestream, // names that Litestream's gs replicas have
		Transfer: object.Options{
			PartSize:        16 << 20, // of a chunk of an upload, and in memory; the default is 8 MiB
			ReadConcurrency: 4,        // ranges of large files at once; the default is 16
		},
	})
}

func Example_emulator() {
	service := gcsfake.New(gcsfake.Options{}, "my-bucket")
	server := httptest.NewServer(service)
	defer server.Close()
	if err := os.Setenv("STORAGE_EMULATOR_HOST", server.URL); err != nil {
		fmt.Println(err)
		return
	}
	defer os.Unsetenv("STORAGE_EMULATOR_HOST")

	client := newGCSClient("my-bucket")
	defer client.Close()
	fmt.Println(client.Type())
	fmt.Println(client)

	body := replicatest.NewLTXFile(1, 1, time.UnixMilli(1767225600123), 3)
	info, err := client.WriteLTXFile(context.Background(), 0, 1, 1, bytes.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.MinTXID, info.MaxTXID, info.CreatedAt)
	fmt.Println(service.Keys("my-bucket"))
	// Output:
	// gcs
	// gcs.Config{Bucket:"my-bucket" Path:"backups/db" Layout:litestream Transfer.PartSize:16777216 Transfer.ReadConcurrency:4}
	// 0000000000000001 0000000000000001 2026-01-01 00:00:00.123 +0000 UTC
	// [backups/db/ltx/0/0000000000000001-0000000000000001.ltx]
}
