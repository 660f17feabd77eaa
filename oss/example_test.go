package oss_test

import (
	"fmt"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/oss"
)

// newOSSClient returns a client of a bucket. The access key is that of
// OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.
func newOSSClient(bucket string) *oss.ReplicaClient {
	return oss.NewReplicaClient(oss.Config{
		Bucket:    bucket,
		Path:      "backups/db",
		Region:    "cn-beijing",
		Layout:    ltxstore.LayoutLitestreamS3, // the layout of Litestream in OSS
		WriteOnce: true,                        // never replace a file with different content
	})
}

func ExampleNewReplicaClient() {
	client := newOSSClient("my-bucket")
	defer client.Close()
	fmt.Println(client.Type())
	// Output: oss
}
