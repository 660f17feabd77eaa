package objectstore

import (
	"context"
	"iter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// Watch implements object.Watcher. It costs one request and a consumer on the
// server.
func (b *Bucket) Watch(ctx context.Context) (iter.Seq2[object.Object, error], error) {
	run, err := b.stream.Watch(ctx, b.descriptions+">")
	return func(yield func(object.Object, error) bool) {
		err := run(func(m *jetstream.RawStreamMsg) bool {
			key, ok := b.keyOf(m.Subject)
			if !ok {
				return true
			}
			e := parse(key, m)
			return e.damaged != nil || !e.exists() || yield(e.object(), nil)
		})
		if err != nil {
			yield(object.Object{}, err)
		}
	}, err
}
