// Package nats keeps a replica's LTX files in an object store of NATS
// JetStream.
package nats

import (
	"context"
	"iter"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

const typeName = "nats"

// ReplicaClient is a replica in a bucket of a JetStream object store. It is
// made by NewReplicaClient and safe for concurrent use; object.Client documents
// its methods. In particular:
//
//   - Objects are what the clients of NATS store: `nats object get` and
//     Litestream read them, and theirs are read here.
//   - Init sends nothing. The first method after it connects. The bucket must
//     exist; how often it is replicated, and so how durable a file is, is the
//     bucket's setting.
//   - A write costs a request for each Config.Transfer.PartSize of the body, and one for
//     the message that publishes the object, on the condition that the name is
//     as it was seen last: two writers never mix, and WriteOnce is atomic. Where
//     there is an object of the name it costs three more: one that is refused,
//     one for its description, and one that removes the old chunks.
//   - A read costs a request for the object's description, one for the chunk
//     that the range begins in, and one for each eight chunks that follow, or one
//     for each on a server older than 2.11. Objects of other clients do not tell which that is:
//     unless it can be computed, the chunks before it are read too.
//   - A listing costs three requests, or four of a bucket with copies, and there one
//     more for the first. It reads the description of every object in the bucket,
//     those of other replicas too: NATS cannot list fewer. They are not sorted.
//   - A deletion costs four requests, because a client that is killed in the
//     middle of it must not leave chunks that nothing refers to.
//   - DeleteAll removes chunks of this replica's files that a killed writer left
//     an hour ago or earlier.
//   - Close closes the connection; the next method makes another.
type ReplicaClient struct{ *object.Client }

// NewReplicaClient returns a client of the replica that cfg describes. It
// sends nothing and cannot fail: Init, which every method calls, tells what is
// wrong with cfg.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return cfg.String() }, // cfg.String would keep a copy
		Connect:  func(_ context.Context, log *oplog.Logger) (*object.Store, error) { return connect(cfg, log) },
	})}
}

// Watch returns the files of a level that are written from now on, by any
// client: see object.Watch. It costs one request and a consumer on the server. A
// lost connection is made again, and no file is left out.
func (c *ReplicaClient) Watch(ctx context.Context, level int) (iter.Seq2[*ltx.FileInfo, error], error) {
	return object.Watch(ctx, c.Client, level)
}
