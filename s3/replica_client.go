// Package s3 keeps a replica's LTX files in a bucket of Amazon S3 or of a
// service that speaks its protocol.
package s3

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const typeName = "s3"

// ReplicaClient is a replica in a bucket. It is made by NewReplicaClient and
// safe for concurrent use; object.Client documents its methods. In particular:
//
//   - Init sends at most one request: the HEAD that asks for the region. Of all clients
//     of a bucket that share a transport, one sends it.
//   - A body of at most Config.Transfer.UploadThreshold bytes is one PutObject; a
//     larger one is a multipart upload. Where a service allows 1,000 parts, a
//     body of unknown size may have about 2 TiB; where parts must be equal
//     (each then has 8 × PartSize), 390 GiB by default.
//   - A listing with useMetadata costs a HEAD for each file: S3 lists no
//     metadata. Without it CreatedAt is the object's LastModified.
//   - Deletions are one DeleteObjects for each 1000 files, or a DELETE a file
//     where the provider has no DeleteObjects.
//   - DeleteAll aborts the replica's unfinished multipart uploads, those of
//     other writers included. If a provider cannot list uploads by prefix, as
//     MinIO and all unknown ones, it lists those of the whole bucket.
type ReplicaClient struct {
	*object.Client
	given func() Config // fmt looks into no function
}

// NewReplicaClient returns a client of the replica that cfg describes. It
// sends nothing and cannot fail: Init, which every method calls, tells what is
// wrong with cfg.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{given: func() Config { return cfg }, Client: object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return settings.Text(cfg) },
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
