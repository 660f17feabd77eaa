// Package nats stores a replica's LTX files in an object store of NATS JetStream.
package nats

import (
	"context"
	"iter"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const typeName = "nats"

// ReplicaClient is a replica in a bucket of a JetStream object store.
// NewReplicaClient returns one. It is safe for concurrent use. See [object.Client]
// for its methods. In particular:
//
//   - Objects are compatible with other clients: `nats object get` and Litestream
//     can read them, and this package can read theirs.
//   - Init sends nothing. The first method after it connects. The bucket must
//     exist; its settings determine how many copies are stored, and so how durable
//     a file is.
//   - A write costs a request for each Config.Transfer.PartSize of the body, and
//     one for the message that publishes the object, on the condition that the
//     name has not changed: two writers never mix, and WriteOnce is atomic. A write that
//     WriteOnce rejects has sent the body by then, and removes its chunks. If the
//     object exists, it costs three more: one that is rejected, one for the
//     description, and one to remove the old chunks.
//   - A read costs a request for the object's description, one for the chunk in
//     which the range starts, and one for each eight chunks that follow, or for
//     each chunk on servers older than 2.11. Objects of other clients do not record
//     where the range starts: unless it can be computed, the preceding chunks are
//     read too.
//   - A listing costs three requests, one more if the bucket has copies, and three more
//     and one for each 1,024 descriptions if there are more than 256. It reads the description
//     of every object in the bucket, including those of other replicas, because NATS cannot
//     list fewer. They are not sorted.
//   - A deletion costs three requests: the second removes the description, unless it was
//     replaced, and the third the chunks.
//   - DeleteAll removes chunks of this replica's files that an interrupted write or
//     deletion left behind, if they were written at least an hour ago.
//   - Clients of a bucket with the same settings, apart from the replica's path, have one
//     connection, which the last Close closes. The next method makes a new one.
type ReplicaClient struct{ *object.Client }

// NewReplicaClient returns a client of the replica that cfg describes. It sends no
// request and does not fail: if cfg is invalid, Init, which every method calls,
// returns the error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return settings.Text(cfg) },
		Connect:  func(_ context.Context, log *oplog.Logger) (*object.Store, error) { return connect(cfg, log) },
	})}
}

// Watch returns the files of a level that are written from now on, by any client:
// see object.Watch. It costs three requests, and a consumer on the server. If the
// connection is lost, it is made again, as often as Config.MaxReconnects says, and no file
// is missed.
func (c *ReplicaClient) Watch(ctx context.Context, level int) (iter.Seq2[*ltx.FileInfo, error], error) {
	return object.Watch(ctx, c.Client, level)
}
