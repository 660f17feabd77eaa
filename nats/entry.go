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

// entry is the description of an object: the one message of a subject that is
// made of its name.
type entry struct {
	jetstream.ObjectInfo

	// seq is the message's sequence, 0 without one. An object that was deleted
	// has a message too.
	seq uint64
}

// exists reports whether there is an object.
func (e entry) exists() bool { return e.seq > 0 && !e.Deleted }

func (e entry) chunkSize() int64 {
	if e.Opts != nil && e.Opts.ChunkSize > 0 {
		return int64(e.Opts.ChunkSize)
	}
	return 128 << 10
}

func (b *bucket) metaSubject(key string) string {
	return "$O." + b.cfg.Bucket + ".M." + base64.URLEncoding.EncodeToString([]byte(key))
}

func (b *bucket) allDescriptions() string { return "$O." + b.cfg.Bucket + ".M.>" }

func (b *bucket) chunkSubject(nuid string) string { return "$O." + b.cfg.Bucket + ".C." + nuid }

// keyOf returns the name that a description's subject is made of.
func (b *bucket) keyOf(subject string) (string, bool) {
	token, ok := strings.CutPrefix(subject, "$O."+b.cfg.Bucket+".M.")
	name, err := base64.URLEncoding.DecodeString(token)
	return string(name), ok && err == nil
}

// parse reads a description.
func parse(key string, data []byte, seq uint64, at time.Time) (entry, error) {
	e := entry{seq: seq}
	if err := json.Unmarshal(data, &e.ObjectInfo); err != nil {
		return entry{}, fmt.Errorf("%w: description of %q: %w", errDamaged, key, err)
	}
	if e.Name != key || e.Size > math.MaxInt64 || e.exists() && e.Opts != nil && e.Opts.Link == nil && e.NUID == "" {
		return entry{}, fmt.Errorf("%w: description of %q is of %q, %d bytes", errDamaged, key, e.Name, e.Size)
	}
	e.ModTime = at
	return e, nil
}

// object returns what a description tells.
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

// lookup asks for a message: the last one of a subject, or the next from a
// sequence on. It asks the stream's leader, because what a follower says may be
// old.
type lookup struct {
	Seq  uint64 `json:"seq,omitempty"`
	Next string `json:"next_by_subj,omitempty"`
	Last string `json:"last_by_subj,omitempty"`
}

func (b *bucket) lookup(ctx context.Context, s *session, what lookup) (*jetstream.RawStreamMsg, error) {
	request, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	answer, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+b.stream, request)
	if err != nil {
		return nil, err
	}
	var decoded struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Headers []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &decoded); err != nil {
		return nil, fmt.Errorf("%w: %w", jetstream.ErrInvalidJetStreamResponse, err)
	}
	m := decoded.Message
	switch {
	case decoded.Error != nil:
		return nil, decoded.Error
	case m == nil:
		return nil, jetstream.ErrInvalidJetStreamResponse
	}
	found := &jetstream.RawStreamMsg{Subject: m.Subject, Sequence: m.Seq, Data: m.Data, Time: m.Time}
	if len(m.Headers) > 0 {
		if found.Header, err = nats.DecodeHeadersMsg(m.Headers); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// look returns an object's description, one without a sequence if there is
// none.
func (b *bucket) look(ctx context.Context, key string) (e entry, err error) {
	err = b.call(ctx, func(ctx context.Context, s *session) error {
		m, err := b.lookup(ctx, s, lookup{Last: b.metaSubject(key)})
		if err != nil {
			return err
		}
		e, err = parse(key, m.Data, m.Sequence, m.Time)
		return err
	})
	if isMissing(err) {
		return entry{}, nil
	}
	return e, err
}

// find is look for an object that should be there, of a version if that is not
// empty.
func (b *bucket) find(ctx context.Context, key, version string) (entry, error) {
	e, err := b.look(ctx, key)
	switch {
	case err != nil:
		return entry{}, err
	case !e.exists():
		return entry{}, jetstream.ErrObjectNotFound
	case version != "" && version != e.NUID:
		return entry{}, fmt.Errorf("%w: the object is %s, was %s", object.ErrPrecondition, e.NUID, version)
	}
	return e, nil
}

// Head implements object.Bucket.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	e, err := b.find(ctx, key, version)
	if err != nil {
		return object.Object{}, err
	}
	return e.object(), nil
}

// publish makes info the description of its object, if the last message of its
// subject is still the one of this sequence. It takes that one's place.
func (b *bucket) publish(ctx context.Context, info jetstream.ObjectInfo, last uint64) (seq uint64, err error) {
	info.ModTime = time.Time{}
	data, err := json.Marshal(info)
	if err != nil {
		return 0, err
	}
	m := nats.NewMsg(b.metaSubject(info.Name))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = data
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
		return s.stream.Purge(ctx, jetstream.WithPurgeSubject(b.chunkSubject(nuid)))
	})
}
