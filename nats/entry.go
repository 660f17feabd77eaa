package nats

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// entry is the description of an object: the only message of a subject that is
// made of its name.
type entry struct {
	jetstream.ObjectInfo

	// seq is the message's sequence, 0 without one. An object that was deleted
	// has a message too.
	seq uint64

	damaged error // why the description cannot be used
}

// exists reports whether there is an object.
func (e entry) exists() bool { return e.seq > 0 && !e.Deleted }

// isLink reports whether the object is a link to another, which has the chunks.
func (e entry) isLink() bool { return e.Opts != nil && e.Opts.Link != nil }

func (e entry) chunkSize() int64 {
	if e.Opts != nil && e.Opts.ChunkSize > 0 {
		return int64(e.Opts.ChunkSize)
	}
	return defaultChunkSize
}

func (b *bucket) description(key string) string {
	return b.descriptions + base64.URLEncoding.EncodeToString([]byte(key))
}

// keyOf returns the name that a description's subject is made of.
func (b *bucket) keyOf(subject string) (key string, ok bool) {
	token, ok := strings.CutPrefix(subject, b.descriptions)
	name, err := base64.URLEncoding.DecodeString(token)
	return string(name), ok && err == nil
}

// parse reads a description.
func parse(key string, data []byte, seq uint64, at time.Time) entry {
	e := entry{seq: seq}
	if err := json.Unmarshal(data, &e.ObjectInfo); err != nil {
		e.damaged = fmt.Errorf("%w: description of %q: %w", errDamaged, key, err)
	} else if e.Name != key || e.Size > math.MaxInt64 || e.NUID == "" && e.exists() && !e.isLink() {
		e.damaged = fmt.Errorf("%w: description of %q is of %q, %d bytes", errDamaged, key, e.Name, e.Size)
	}
	e.ModTime = at
	return e
}

// object converts a description.
func (e entry) object() object.Object {
	o := object.Object{Key: e.Name, Size: int64(e.Size), Version: e.NUID, Modified: e.ModTime, Metadata: map[string]string{}}
	for name, values := range e.Headers {
		if len(values) > 0 {
			o.Metadata[strings.ToLower(name)] = values[0]
		}
	}
	if sum, err := jetstream.DecodeObjectDigest(e.Digest); err == nil {
		o.Sum = sum
	}
	return o
}

// describe returns an object's description, one without a sequence if there is
// none.
func (b *bucket) describe(ctx context.Context, key string) (e entry, err error) {
	err = b.call(ctx, func(ctx context.Context, s *session) error {
		m, err := s.leader.GetLastMsgForSubject(ctx, b.description(key))
		if err == nil {
			e = parse(key, m.Data, m.Sequence, m.Time)
			err = e.damaged
		}
		return err
	})
	if isMissing(err) {
		return entry{}, nil
	}
	return e, err
}

// find is describe for an object that should be there, of a version if that is
// not empty.
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

// check returns an error if the object is not of a version that is not empty.
func (e entry) check(version string) error {
	if version != "" && version != e.NUID {
		return fmt.Errorf("%w: the object is %s, was %s", object.ErrPrecondition, e.NUID, version)
	}
	return nil
}

// Head implements object.Bucket.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	e, err := b.find(ctx, key, version)
	return e.object(), err
}

// publish makes info the description of its object in place of the one of this
// sequence, if that still is the last message of its subject.
func (b *bucket) publish(ctx context.Context, info jetstream.ObjectInfo, last uint64) (seq uint64, err error) {
	info.ModTime = time.Time{}
	m := nats.NewMsg(b.description(info.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	if m.Data, err = json.Marshal(info); err != nil {
		return 0, err
	}
	err = b.call(ctx, func(ctx context.Context, s *session) error {
		ack, err := s.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(last),
			jetstream.WithExpectStream(b.stream), jetstream.WithRetryAttempts(0))
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}

// purge removes the chunks of an object.
func (b *bucket) purge(ctx context.Context, nuid string) error {
	return b.call(ctx, func(ctx context.Context, s *session) error {
		return s.stream.Purge(ctx, jetstream.WithPurgeSubject(b.chunks+nuid))
	})
}
