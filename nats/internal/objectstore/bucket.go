// Package objectstore keeps objects as the object store of NATS JetStream does: a
// message for each chunk of an object, and one that describes it and has a subject
// made of its name. What other clients store is read here, and they read what is
// stored here.
package objectstore

import (
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/nats/internal/stream"
)

const backendType = "nats"

// DefaultChunkSize is that of NATS's own clients.
const DefaultChunkSize = 128 << 10

// Config says which bucket it is, and how objects are stored in it.
type Config struct {
	Name      string
	ChunkSize int64

	// Stream says how the server is reached. Its Name is the Bucket's.
	Stream stream.Config

	Log *oplog.Logger
}

// Bucket is a bucket of an object store. It implements object.Bucket,
// object.Streamer, object.Retractor, object.Sweeper and object.Watcher.
type Bucket struct {
	cfg                  Config
	stream               *stream.Stream
	descriptions, chunks string // what the subjects of these begin with
}

var (
	_ object.Streamer  = (*Bucket)(nil)
	_ object.Retractor = (*Bucket)(nil)
	_ object.Sweeper   = (*Bucket)(nil)
	_ object.Watcher   = (*Bucket)(nil)
)

// New returns a bucket. It sends nothing: the first method connects.
func New(cfg Config) *Bucket {
	cfg.Stream.Name = "OBJ_" + cfg.Name
	return &Bucket{cfg: cfg, stream: stream.New(cfg.Stream),
		descriptions: "$O." + cfg.Name + ".M.", chunks: "$O." + cfg.Name + ".C."}
}

// Close closes the connection. The next method makes another.
func (b *Bucket) Close() { b.stream.Close() }
