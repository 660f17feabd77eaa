// Package gcs keeps a replica's LTX files in a bucket of Google Cloud Storage.
package gcs

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

const typeName = "gcs"

// ReplicaClient is a replica in a bucket. It is created by NewReplicaClient
// and safe for concurrent use. Its methods are those of object.Client.
// Particular to this backend:
//
//   - Init sends nothing to the service. If the default credentials are used
//     and no file has them, it tries the machine's metadata service.
//   - A body of at most Config.Transfer.UploadThreshold bytes is one request, with its
//     CRC-32C in it, by which the service refuses anything else. A larger one is
//     a resumable upload: one request to begin, and one for each
//     Config.Transfer.PartSize; the CRC-32C goes with the last. The checksum and size in
//     the service's answer are compared with what was read; a damaged object is
//     deleted.
//   - The timestamps come with a listing. Those of files that another tool
//     copied without metadata cost a request for 100 bytes each.
//   - Each deletion is a request of its own.
//   - Unfinished uploads cannot be listed. They are neither visible nor
//     billed, and the service drops them after a week. A write that fails
//     ends its upload.
//   - Close does not close a Config.Client, which is the caller's.
type ReplicaClient struct {
	*object.Client
	given func() Config // fmt looks into no function
}

// NewReplicaClient returns a client of the replica that cfg describes. It sends
// no request and does not fail: if cfg is invalid, Init, which every method
// calls, returns the error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{given: func() Config { return cfg }, Client: object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return cfg.String() }, // cfg.String would keep a copy
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
