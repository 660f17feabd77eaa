package stream

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
)

// Watch returns the messages that are sent, after Watch has returned, to a subject that
// matches filter, until ctx ends. If the connection is lost, it is made again, as often
// as Config.Options say, and no message is missed.
func (s *Stream) Watch(ctx context.Context, filter string) (iter.Seq2[*jetstream.RawStreamMsg, error], error) {
	r := &consumer{Stream: s, filter: filter}
	err := s.call(ctx, func(ctx context.Context, c *conn) error {
		stream, err := c.js.Stream(ctx, s.cfg.Name)
		if err == nil {
			r.seen = stream.CachedInfo().State.LastSeq
		}
		return err
	})
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		defer func() { r.end(ctx) }()
		for left := s.cfg.Options.MaxReconnect; ; {
			m, err := r.next(ctx)
			switch {
			case m != nil:
				left = s.cfg.Options.MaxReconnect
				if !yield(m, nil) {
					return
				}
			case err == nil: // nothing was sent for a while
			case ctx.Err() != nil, left == 0, !errors.Is(KindOf(err), ltxstore.ErrUnavailable):
				yield(nil, err)
				return
			default:
				left--
				r.end(ctx)
				select {
				case <-time.After(s.cfg.Options.ReconnectWait):
				case <-ctx.Done():
				}
			}
		}
	}, err
}

// next returns the next message, or nil if none comes in time.
func (r *consumer) next(ctx context.Context) (m *jetstream.RawStreamMsg, err error) {
	if r.name == "" {
		if err := r.call(ctx, r.start); err != nil {
			return nil, err
		}
	}
	err = r.call(ctx, func(ctx context.Context, c *conn) error {
		_, err := r.receive(ctx, c, 1, r.cfg.IdleTimeout/2, func(found *jetstream.RawStreamMsg) { m = found })
		return err
	})
	return m, err
}
