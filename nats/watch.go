package nats

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// Watch implements object.Watcher. It costs two requests, or three the first time, and a
// consumer on the server. If the connection is lost, it is made again, as often as
// Config.MaxReconnects says, and no object is missed.
func (b *bucket) Watch(ctx context.Context) (iter.Seq2[object.Object, error], error) {
	state, err := b.state(ctx, "")
	r := &consumer{bucket: b, filter: b.descriptions + ">", seen: state.LastSeq}
	return func(yield func(object.Object, error) bool) {
		defer func() { r.end(ctx) }()
		for left := b.options.MaxReconnect; ; {
			m, err := r.next(ctx)
			switch {
			case m != nil:
				left = b.options.MaxReconnect
				if key, ok := b.keyOf(m.Subject); ok {
					if e := parse(key, m); e.damaged == nil && e.exists() && !yield(e.object(), nil) {
						return
					}
				}
			case err == nil: // nothing was written for a while
			case ctx.Err() != nil, left == 0, !errors.Is(kindOf(err), ltxstore.ErrUnavailable):
				yield(object.Object{}, err)
				return
			default:
				left--
				r.end(ctx)
				select {
				case <-time.After(b.options.ReconnectWait):
				case <-ctx.Done():
				}
			}
		}
	}, err
}

// next returns the next message, or nil if none comes in time.
func (r *consumer) next(ctx context.Context) (m *jetstream.RawStreamMsg, err error) {
	if r.name == "" {
		if err := r.start(ctx); err != nil {
			return nil, err
		}
	}
	_, err = r.receive(ctx, 1, r.cfg.IdleTimeout/2, func(found *jetstream.RawStreamMsg) { m = found })
	return m, err
}
