package nats

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// Watch implements object.Watcher. It costs three requests, and a consumer on the server.
// If the connection is lost, it is made again, as often as Config.MaxReconnects says, and no
// object is missed.
func (b *bucket) Watch(ctx context.Context) (iter.Seq2[object.Object, error], error) {
	state, err := b.state(ctx, "")
	seen := state.LastSeq
	return func(yield func(object.Object, error) bool) {
		left := b.options.MaxReconnect
		for {
			err := b.consume(ctx, seen+1, jetstream.NextContext(ctx), func(m *jetstream.RawStreamMsg, _ uint64) bool {
				seen, left = m.Sequence, b.options.MaxReconnect
				key, ok := b.keyOf(m.Subject)
				e := parse(key, m)
				return !ok || e.damaged != nil || !e.exists() || yield(e.object(), nil)
			})
			switch {
			case err == nil:
				return
			case ctx.Err() != nil, left == 0, !errors.Is(kindOf(err), ltxstore.ErrUnavailable):
				yield(object.Object{}, err)
				return
			}
			left--
			select {
			case <-time.After(b.options.ReconnectWait):
			case <-ctx.Done():
			}
		}
	}, err
}

// consume calls visit for descriptions, in order, starting at a sequence, with the number of
// those that follow, until visit returns false. It reads them with a temporary consumer on a
// server.
func (b *bucket) consume(ctx context.Context, seq uint64, wait jetstream.NextOpt, visit func(m *jetstream.RawStreamMsg, left uint64) bool) error {
	var consumer jetstream.Consumer
	err := b.call(ctx, func(ctx context.Context, c *conn) (err error) {
		consumer, err = c.js.CreateConsumer(ctx, b.stream, jetstream.ConsumerConfig{
			FilterSubject:     b.descriptions + ">",
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       seq,
			AckPolicy:         jetstream.AckNonePolicy,
			MemoryStorage:     true,
			Replicas:          1,
			InactiveThreshold: time.Minute, // in case it is not deleted
		})
		return err
	})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = b.call(ctx, func(ctx context.Context, c *conn) error {
			return c.js.DeleteConsumer(ctx, b.stream, consumer.CachedInfo().Name)
		})
	}()
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1024), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for received := uint64(1); ; received++ {
		m, err := messages.Next(wait)
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Consumer != received {
			return fmt.Errorf("%w: messages are missing", errLost)
		}
		found := &jetstream.RawStreamMsg{Subject: m.Subject(), Sequence: meta.Sequence.Stream, Data: m.Data(), Time: meta.Timestamp}
		if !visit(found, meta.NumPending) {
			return nil
		}
	}
}
