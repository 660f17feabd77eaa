package stream

import (
	"cmp"
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
	var next uint64
	err := s.call(ctx, func(ctx context.Context, c *conn) error {
		stream, err := c.js.Stream(ctx, s.cfg.Name)
		if err == nil {
			next = stream.CachedInfo().State.LastSeq + 1
		}
		return err
	})
	return func(yield func(*jetstream.RawStreamMsg, error) bool) {
		for left := s.cfg.Options.MaxReconnect; ; left-- {
			err := s.follow(ctx, filter, next, func(m *jetstream.RawStreamMsg) bool {
				next, left = m.Sequence+1, s.cfg.Options.MaxReconnect
				return yield(m, nil)
			})
			switch {
			case err == nil:
				return
			case ctx.Err() != nil, left == 0, !errors.Is(KindOf(err), ltxstore.ErrUnavailable):
				yield(nil, err)
				return
			}
			select {
			case <-time.After(s.cfg.Options.ReconnectWait):
			case <-ctx.Done():
			}
		}
	}, err
}

// follow calls visit for messages from a sequence on, until that returns false.
func (s *Stream) follow(ctx context.Context, filter string, from uint64, visit func(*jetstream.RawStreamMsg) bool) error {
	c, err := s.connected(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.lost, func() { cancel(errLost) })()
	var messages jetstream.MessagesContext
	err = s.over(ctx, c, func(ctx context.Context) error {
		consumer, err := c.js.OrderedConsumer(ctx, s.cfg.Name, jetstream.OrderedConsumerConfig{
			FilterSubjects:   []string{filter},
			DeliverPolicy:    jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:      from,
			MaxResetAttempts: 1,
		})
		if err == nil {
			messages, err = consumer.Messages()
		}
		return err
	})
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		meta, err := m.Metadata()
		if err == nil && !visit(&jetstream.RawStreamMsg{Subject: m.Subject(), Data: m.Data(), Sequence: meta.Sequence.Stream, Time: meta.Timestamp}) {
			return nil
		}
	}
}
