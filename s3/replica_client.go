// Package s3 stores a replica's LTX files in a bucket of Amazon S3 or of a
// compatible service.
package s3

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const typeName = "s3"

// ReplicaClient is a replica in a bucket. NewReplicaClient returns one. It is safe
// for concurrent use. See [object.Client] for its methods. In particular:
//
//   - Init sends at most one request: a HEAD for the region of the bucket. Only one
//     of all clients of a bucket with the same transport sends it.
//   - A body of at most Config.Transfer.UploadThreshold bytes is one PutObject; a
//     larger one is a multipart upload. If a service allows 1,000 parts, a body of
//     unknown size may have about 2 TiB; if parts must be equal (each then has
//     8 × PartSize), 390 GiB by default.
//   - A listing with useMetadata costs a HEAD for each file, because S3 does not list
//     metadata. Without it, CreatedAt is the object's LastModified.
//   - A deletion is one DeleteObjects for each 1000 files, or a DELETE for each file
//     if the provider does not support DeleteObjects.
//   - DeleteAll aborts the replica's unfinished multipart uploads, including those of
//     other writers. If a provider cannot list uploads by prefix, like MinIO and
//     unknown ones, it lists those of the whole bucket.
type ReplicaClient struct {
	*object.Client
	given func() Config // a function, so that fmt does not print it
}

// NewReplicaClient returns a client of the replica that cfg describes. It sends no
// request and does not fail. If cfg is invalid, Init and every other method return
// an error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{given: func() Config { return cfg }, Client: object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return settings.Text(cfg) },
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
