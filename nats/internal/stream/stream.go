// Package stream sends messages to a stream of NATS JetStream, and reads them,
// whatever their content. Package objectstore stores objects in them.
package stream

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// Config is the configuration of a Stream.
type Config struct {
	Name    string
	Options nats.Options

	// Admit returns an error if the server's limit for the size of a message is too
	// low. It is called for each new connection.
	Admit func(maxPayload int64) error

	// IdleTimeout is how long a request may wait for its response.
	IdleTimeout time.Duration
}

// Stream is an existing stream. Its methods are safe for concurrent use. The first
// call connects. KindOf classifies the errors of its methods.
type Stream struct {
	cfg        Config
	ready      flow.Lazy[conn]
	discovered atomic.Pointer[[]string] // the other servers of a cluster
}

// New returns a stream. It sends nothing.
func New(cfg Config) *Stream { return &Stream{cfg: cfg} }

// Last returns the last message of a subject, with one request to the leader of the
// stream's servers, which has the latest.
func (s *Stream) Last(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = s.call(ctx, func(ctx context.Context, c *conn) error {
		m, err = c.stream.GetLastMsgForSubject(ctx, subject)
		return err
	})
	return m, err
}

// Subjects returns the subjects that match filter, with their numbers of messages.
func (s *Stream) Subjects(ctx context.Context, filter string) (found map[string]uint64, err error) {
	err = s.call(ctx, func(ctx context.Context, c *conn) error {
		state, err := c.state(ctx, s.cfg.Name, filter)
		found = state.Subjects
		return err
	})
	return found, err
}

// state returns the state of the stream, as its leader knows it, and the subjects that
// match filter.
func (c *conn) state(ctx context.Context, name, filter string) (state jetstream.StreamState, err error) {
	stream, err := c.informed.Get(ctx, func(ctx context.Context) (*jetstream.Stream, error) {
		stream, err := c.js.Stream(ctx, name)
		return &stream, err
	})
	if err != nil {
		return state, err
	}
	info, err := (*stream).Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return state, err
	}
	return info.State, nil
}

// Replace makes m the only message of its subject if the current one has the sequence
// last, where 0 means that there is none. It returns the sequence of m. If the current
// message is another, IsConflict reports true for the error.
func (s *Stream) Replace(ctx context.Context, m *nats.Msg, last uint64) (seq uint64, err error) {
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	err = s.call(ctx, func(ctx context.Context, c *conn) error {
		ack, err := c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(last),
			jetstream.WithExpectStream(s.cfg.Name), jetstream.WithRetryAttempts(0))
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}

// Delete deletes the message with a sequence, if there is one.
func (s *Stream) Delete(ctx context.Context, seq uint64) error {
	return s.call(ctx, func(ctx context.Context, c *conn) error {
		err := c.stream.DeleteMsg(ctx, seq)
		if !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			return err
		}
		_, missing := c.stream.GetMsg(ctx, seq)
		if IsMissing(missing) {
			return nil
		}
		return cmp.Or(missing, err)
	})
}

// Purge deletes all messages of a subject.
func (s *Stream) Purge(ctx context.Context, subject string) error {
	return s.call(ctx, func(ctx context.Context, c *conn) error {
		return c.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
	})
}
