// Package litestream adapts the clients of [github.com/ltxstore/ltxstore] to
// Litestream's engine: all stores, and all wrappers around them, such as
// client-side encryption and mirrors.
//
//	db.Replica = litestream.Replica(db, client)
//
// Importing it also makes Litestream's own URLs open this library's backends, for
// engine.NewReplicaClientFromURL, the VFS and the follow mode. See [Register].
// Package [github.com/ltxstore/ltxstore/litestream/daemon] is a daemon built on
// it.
//
// It is a module of its own, so that importing ltxstore compiles neither
// Litestream nor SQLite.
package litestream

import (
	"context"
	"io"
	"log/slog"

	engine "github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// Client returns c as the engine's client of a replica. It is safe for
// concurrent use.
//
// Init, SetLogger and Close call the outermost client in c's stack that has them,
// or do nothing. Messages of clients at level info are logged at debug. An error
// of opening or writing a file is an *engine.LTXError with the file's
// transactions and, if the operator can do something, a hint. errors.Is and
// errors.As find the error of c. ltxstore.As finds c.
//
// If c is nil, every method fails with fs.ErrInvalid.
func Client(c ltxstore.ReplicaClient) engine.ReplicaClient {
	if c == nil {
		c = absent{}
	}
	return client{c}
}

// Replica returns db's replica in c, for engine.DB.Replica, with the engine's
// defaults. If c is a file.ReplicaClient or wraps one, its files get the
// permissions and owner of the database: see [LikeDatabase].
func Replica(db *engine.DB, c ltxstore.ReplicaClient) *engine.Replica {
	LikeDatabase(db.Path(), c)
	return engine.NewReplicaWithClient(db, Client(c))
}

type client struct{ ltxstore.ReplicaClient }

// Unwrap returns the argument of Client.
func (c client) Unwrap() ltxstore.ReplicaClient { return c.ReplicaClient }

// Init implements engine.ReplicaClient.
func (c client) Init(ctx context.Context) error { return ltxstore.Init(ctx, c.ReplicaClient) }

// SetLogger implements engine.ReplicaClient.
func (c client) SetLogger(logger *slog.Logger) {
	if to, ok := ltxstore.As[ltxstore.LoggerSetter](c.ReplicaClient); ok {
		to.SetLogger(quiet(logger))
	}
}

// Close implements io.Closer, which the VFS calls.
func (c client) Close() error { return ltxstore.Close(c.ReplicaClient) }

// OpenLTXFile implements engine.ReplicaClient.
func (c client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	r, err := c.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	return r, ofFile("open", level, minTXID, maxTXID, err)
}

// WriteLTXFile implements engine.ReplicaClient.
func (c client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	info, err := c.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	return info, ofFile("write", level, minTXID, maxTXID, err)
}
