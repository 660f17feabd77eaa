package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// newS3Client returns a client of a bucket on AWS. Credentials come from where
// AWS's own tools find them, the region from there or from the bucket.
func newS3Client(bucket string) *s3.ReplicaClient {
	return s3.NewReplicaClient(s3.Config{
		Bucket: bucket,
		Path:   "backups/db",
		Layout: ltxstore.LayoutLitestreamS3, // names that Litestream's S3 replicas have
		Transfer: object.Options{
			PartSize:        16 << 20, // of a multipart upload; the default is 8 MiB
			Concurrency:     3,        // parts at once, and in memory; the default is 5
			ReadConcurrency: 4,        // ranges of large files at once; the default is 16
		},
		StorageClass: "STANDARD_IA", // the default is the bucket's
		SSE:          "aws:kms",     // the default is the bucket's
	})
}

func Example_amazon() {
	client := newS3Client("my-bucket")
	defer client.Close()
	fmt.Println(client.Type())
	fmt.Println(client)
	// Output:
	// s3
	// s3.Config{Bucket:"my-bucket" Path:"backups/db" Layout:litestream-s3 Transfer.PartSize:16777216 Transfer.Concurrency:3 Transfer.ReadConcurrency:4 StorageClass:"STANDARD_IA" SSE:"aws:kms"}
}

// newCompatibleClient returns a client of a service that speaks S3's protocol.
// What differs from AWS is known by the endpoint's host.
func newCompatibleClient(endpoint, bucket, id, secret string) *s3.ReplicaClient {
	return s3.NewReplicaClient(s3.Config{
		Endpoint:        endpoint, // with its scheme: https://s3.example.com
		Bucket:          bucket,
		AccessKeyID:     id,
		SecretAccessKey: secret, // is never printed
		WriteOnce:       true,   // never replace a file with different content
	})
}

func Example_compatible() {
	service := s3fake.New(s3fake.Options{AccessKeyID: "id", SecretAccessKey: "secret"}, "bucket")
	server := httptest.NewServer(service)
	defer server.Close()
	client := newCompatibleClient(server.URL, "bucket", "id", "secret")
	defer client.Close()

	body := replicatest.NewLTXFile(1, 1, time.UnixMilli(1767225600123), 3)
	info, err := client.WriteLTXFile(context.Background(), 0, 1, 1, bytes.NewReader(body))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.MinTXID, info.MaxTXID, info.CreatedAt)
	fmt.Println(service.Keys("bucket"))
	// Output:
	// 0000000000000001 0000000000000001 2026-01-01 00:00:00.123 +0000 UTC
	// [ltx/0000/0000000000000001-0000000000000001.ltx]
}
