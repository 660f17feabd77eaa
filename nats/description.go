package nats

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// firstKey is the key of an object's metadata for the sequence of its first chunk.
const firstKey = "ltxstore-first"

// description is the part of jetstream.ObjectInfo that is needed, without its maps:
// decoding these would take most of the time of a listing.
type description struct {
	Name    string `json:"name"`
	Headers struct {
		Timestamp [1]string `json:"litestream-timestamp"` // in any case
	} `json:"headers"`
	Metadata struct {
		First string `json:"ltxstore-first"`
	} `json:"metadata"`
	Options struct {
		Link      *struct{} `json:"link"` // to another object; there are no chunks then
		ChunkSize uint32    `json:"max_chunk_size"`
	} `json:"options"`
	NUID    string `json:"nuid"`
	Size    uint64 `json:"size"`
	Chunks  uint32 `json:"chunks"`
	Digest  string `json:"digest"`
	Deleted bool   `json:"deleted"`
}

// entry is the description of an object: the only message of a subject that contains
// its name.
type entry struct {
	description

	// seq is the message's sequence, or 0 if there is none. A deleted object may
	// have a message too.
	seq uint64

	at      time.Time // when it was stored
	damaged error     // why the description cannot be used
}

// exists reports whether the object exists.
func (e *entry) exists() bool { return e.seq > 0 && !e.Deleted }

// chunkSize returns the size of all chunks but the last, and, of another client's object,
// some others.
func (e *entry) chunkSize() int64 { return int64(cmp.Or(e.Options.ChunkSize, defaultChunkSize)) }

func (b *bucket) subject(key string) string {
	return b.descriptions + base64.URLEncoding.EncodeToString([]byte(key))
}

// keyOf returns the name in the subject of a description.
func (b *bucket) keyOf(subject string) (key string, ok bool) {
	token, ok := strings.CutPrefix(subject, b.descriptions)
	name, err := base64.URLEncoding.DecodeString(token)
	return string(name), ok && err == nil
}

// parse decodes a description.
func parse(key string, m *jetstream.RawStreamMsg) *entry {
	e := &entry{seq: m.Sequence, at: m.Time}
	if err := json.Unmarshal(m.Data, &e.description); err != nil {
		e.damaged = fmt.Errorf("%w: description of %q: %w", errDamaged, key, err)
	} else if e.Name != key || e.Size > math.MaxInt64 || e.NUID == "" && e.exists() && e.Options.Link == nil {
		e.damaged = fmt.Errorf("%w: description of %q is for %q, %d bytes", errDamaged, key, e.Name, e.Size)
	}
	return e
}

// object converts a description.
func (e *entry) object() object.Object {
	o := object.Object{Key: e.Name, Size: int64(e.Size), Version: e.NUID, Modified: e.at}
	if at := e.Headers.Timestamp[0]; at != "" {
		o.Metadata = map[string]string{ltxio.TimestampKey: at}
	}
	if sum, err := jetstream.DecodeObjectDigest(e.Digest); err == nil {
		o.Sum = sum
	}
	return o
}

// describe returns an object's description. If there is none, its sequence is 0.
func (b *bucket) describe(ctx context.Context, key string) (entry, error) {
	m, err := b.last(ctx, b.subject(key))
	switch {
	case isMissing(err):
		return entry{}, nil
	case err != nil:
		return entry{}, err
	}
	e := parse(key, m)
	return *e, e.damaged
}

// find is describe, but fails if the object does not exist, or does not have the
// version, if that is not empty.
func (b *bucket) find(ctx context.Context, key, version string) (entry, error) {
	e, err := b.describe(ctx, key)
	switch {
	case err != nil:
		return entry{}, err
	case !e.exists():
		return entry{}, jetstream.ErrObjectNotFound
	}
	return e, e.check(version)
}

// check returns an error if version is not empty and the object has another.
func (e *entry) check(version string) error {
	if version != "" && version != e.NUID {
		return fmt.Errorf("%w: the object's version is %s, was %s", object.ErrPrecondition, e.NUID, version)
	}
	return nil
}

// Head implements object.Bucket.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	e, err := b.find(ctx, key, version)
	return e.object(), err
}
