// Package abs stores a replica's LTX files in a container of Azure Blob Storage.
// Package [github.com/ltxstore/ltxstore/abs/entra] adds credentials of Microsoft
// Entra ID.
package abs

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const typeName = "abs"

// ReplicaClient is a replica in a container. NewReplicaClient returns one. It is
// safe for concurrent use. See [object.Client] for its methods. In particular:
//
//   - Init sends nothing to the service.
//   - Writing a body of at most Config.Transfer.UploadThreshold bytes costs one
//     request, a Put Blob. A larger one is sent as blocks, with one request each
//     and one to commit them. The service verifies the MD5 of each body. The MD5 of
//     the whole is stored with the blob, and verified by reads of the whole file.
//   - The service does not separate the blocks of two concurrent large writes of
//     one name. The first to be committed discards the blocks of the other, which
//     then counts as replaced.
//   - Listings contain timestamps, but with a CustomerKey they cost one request
//     for each file.
//   - DeleteLTXFiles deletes up to 256 files in one request.
type ReplicaClient struct {
	*object.Client
}

// NewReplicaClient returns a client of the replica that cfg describes. It sends
// no request and does not fail: if cfg is invalid, Init, which every method
// calls, returns the error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return settings.Text(cfg) },
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
