package nats

import (
	"context"
	"iter"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend/object"
)

// Watch returns the files of a level that are written from now on, by any
// client: see object.Watch. It costs one request and a consumer on the server. A
// lost connection is made again, and no file is left out.
func (c *ReplicaClient) Watch(ctx context.Context, level int) (iter.Seq2[*ltx.FileInfo, error], error) {
	return object.Watch(ctx, c.Client, level)
}

// Watch implements object.Watcher.
func (b *bucket) Watch(ctx context.Context) (iter.Seq2[object.Object, error], error) {
	var messages jetstream.MessagesContext
	err := b.call(ctx, func(_ context.Context, s *session) error {
		consumer, err := s.js.OrderedConsumer(ctx, b.stream, jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{b.descriptions + ">"},
			DeliverPolicy:  jetstream.DeliverNewPolicy,
		})
		if err == nil {
			messages, err = consumer.Messages()
		}
		return err
	})
	return func(yield func(object.Object, error) bool) {
		defer messages.Stop()
		for {
			m, err := messages.Next(jetstream.NextContext(ctx))
			if err != nil {
				yield(object.Object{}, err)
				return
			}
			key, ok := b.keyOf(m.Subject())
			meta, err := m.Metadata()
			if !ok || err != nil {
				continue
			}
			if e := parse(key, m.Data(), meta.Sequence.Stream, meta.Timestamp); e.damaged == nil && e.exists() && !yield(e.object(), nil) {
				return
			}
		}
	}, err
}
