// Package abs keeps a replica's LTX files in a container of Azure Blob Storage.
package abs

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

const typeName = "abs"

// ReplicaClient is a replica in a container. It is made by NewReplicaClient and
// safe for concurrent use; object.Client documents its methods. In particular:
//
//   - Init sends nothing to the service.
//   - A body of at most Config.Transfer.UploadThreshold bytes is one request, Put Blob. A
//     larger one is sent as blocks, one request each, one before them, unless
//     WriteOnce is set, and one that commits them. Each request has the MD5 of its body, by which the service refuses
//     anything else. The MD5 of the whole is kept with the blob, and a reader of
//     the whole file compares it.
//   - The blocks of two large writes of one name are kept in one place. The first
//     to be committed discards those of the other, which then counts as replaced.
//     One that fails discards them too: the other then fails with
//     ltxstore.ErrUnavailable, and may be done again.
//   - The timestamps come with a listing, but with a CustomerKey cost one request
//     for each file.
//   - 256 files are deleted in one request.
//   - The blocks of a write that failed are discarded by it in three requests,
//     unless the name has a blob: those are dropped by its next write or deletion,
//     or by the service after a week.
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
		Describe: func() string { return cfg.String() }, // cfg.String would keep a copy
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
