package nats

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// description is the part of jetstream.ObjectInfo that is needed. Metadata and Options
// are decoded only on demand: decoding everything would take most of the time of a
// listing.
type description struct {
	Name     string          `json:"name"`
	Headers  headers         `json:"headers"`
	Metadata json.RawMessage `json:"metadata"`
	Options  json.RawMessage `json:"options"`
	NUID     string          `json:"nuid"`
	Size     uint64          `json:"size"`
	Chunks   uint32          `json:"chunks"`
	Digest   string          `json:"digest"`
	Deleted  bool            `json:"deleted"`
}

// headers has the only header that is needed. Decoding a map would take longer.
type headers struct {
	Timestamp [1]string `json:"litestream-timestamp"` // in any case
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

// first returns the sequence of the first chunk, or 0 if the object does not record
// it.
func (e *entry) first() uint64 {
	var metadata map[string]string
	_ = json.Unmarshal(e.Metadata, &metadata)
	seq, _ := strconv.ParseUint(metadata[firstKey], 10, 63)
	return seq
}

// options returns how the object is stored. A link to another object has no chunks.
func (e *entry) options() (o jetstream.ObjectMetaOptions) {
	_ = json.Unmarshal(e.Options, &o)
	o.ChunkSize = cmp.Or(o.ChunkSize, defaultChunkSize)
	return o
}

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
func parse(key string, m *jetstream.RawStreamMsg) entry {
	e := entry{seq: m.Sequence, at: m.Time}
	if err := json.Unmarshal(m.Data, &e.description); err != nil {
		e.damaged = fmt.Errorf("%w: description of %q: %w", errDamaged, key, err)
	} else if e.Name != key || e.Size > math.MaxInt64 || e.NUID == "" && e.exists() && e.options().Link == nil {
		e.damaged = fmt.Errorf("%w: description of %q is for %q, %d bytes", errDamaged, key, e.Name, e.Size)
	}
	return e
}

// object converts a description, without the hash.
func (e *entry) object() object.Object {
	o := object.Object{Key: e.Name, Size: int64(e.Size), Version: e.NUID, Modified: e.at}
	if at := e.Headers.Timestamp[0]; at != "" {
		o.Metadata = map[string]string{ltxio.TimestampKey: at}
	}
	return o
}

// whole is object with the hash of the content, which would slow down a listing.
func (e *entry) whole() object.Object {
	o := e.object()
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
	return e, e.damaged
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
	if err != nil {
		return object.Object{}, err
	}
	return e.whole(), nil
}

// publish replaces the description of an object with info, if the last message of its
// subject still has the sequence last, where 0 means that there is none. If it has
// another, isConflict reports true for the error.
func (b *bucket) publish(ctx context.Context, info jetstream.ObjectInfo, last uint64) (seq uint64, err error) {
	info.ModTime = time.Time{}
	m := nats.NewMsg(b.subject(info.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	if m.Data, err = json.Marshal(info); err != nil {
		return 0, err
	}
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		ack, err := c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(last),
			jetstream.WithExpectStream(b.stream), jetstream.WithRetryAttempts(0))
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}
