// Package gcs stores a replica's LTX files in a bucket of Google Cloud Storage,
// through its JSON API.
package gcs

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const typeName = "gcs"

// ReplicaClient is a replica in a bucket. NewReplicaClient returns one. It is safe
// for concurrent use. See [object.Client] for its methods. In particular:
//
//   - Init sends nothing to the service. If the default credentials are used and
//     no file contains them, it tries the machine's metadata service.
//   - Writing a body of at most Config.Transfer.UploadThreshold bytes costs one
//     request; the service verifies its CRC-32C. A larger one is a resumable
//     upload: one request to begin, and one for each Config.Transfer.PartSize, the
//     last with the CRC-32C. The checksum and size in the response are compared
//     with those of the body; a damaged object is deleted.
//   - Listings contain timestamps. Files that another tool copied without their
//     metadata cost a request for 100 bytes each.
//   - Each deletion is a request of its own.
//   - Unfinished uploads cannot be listed. They are neither visible nor billed,
//     and the service discards them after a week. A write that fails cancels its
//     upload.
//   - Close does not close a Config.Client, which belongs to the caller.
type ReplicaClient struct {
	*object.Client
	given func() Config // a function, so that fmt does not print it
}

// NewReplicaClient returns a client of the replica that cfg describes. It sends
// no request and does not fail: if cfg is invalid, Init, which every method
// calls, returns the error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{given: func() Config { return cfg }, Client: object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return settings.Text(cfg) },
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
