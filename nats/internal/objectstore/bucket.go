// Package objectstore stores objects like other clients of NATS JetStream's object
// store, and is compatible with them: an object is a message for each of its chunks,
// and one with its description, whose subject contains its name. Package stream
// sends and reads the messages.
package objectstore

import (
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/nats/internal/stream"
)

const backendType = "nats"

// DefaultChunkSize is the default of NATS's own clients.
const DefaultChunkSize = 128 << 10

// Config is the configuration of a Bucket.
type Config struct {
	Name      string
	ChunkSize int64

	// Stream is how to reach the server. Its Name is set by New.
	Stream stream.Config

	Log *oplog.Logger
}

// Bucket is a bucket of an object store. It implements object.Bucket,
// object.Streamer, object.Retractor, object.Sweeper and object.Watcher.
type Bucket struct {
	cfg                  Config
	stream               *stream.Stream
	descriptions, chunks string // prefixes of their subjects
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

// Close closes the connection. The next method makes a new one.
func (b *Bucket) Close() { b.stream.Close() }
