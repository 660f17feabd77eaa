package objectstore

import (
	"context"
	"iter"

	"github.com/ltxstore/ltxstore/backend/object"
)

// Watch implements object.Watcher. It costs two requests and a consumer on the
// server.
func (b *Bucket) Watch(ctx context.Context) (iter.Seq2[object.Object, error], error) {
	messages, err := b.stream.Watch(ctx, b.descriptions+">")
	return func(yield func(object.Object, error) bool) {
		for m, err := range messages {
			if err != nil {
				yield(object.Object{}, err)
				return
			}
			if key, ok := b.keyOf(m.Subject); ok {
				if e := parse(key, m); e.damaged == nil && e.exists() && !yield(e.object(), nil) {
					return
				}
			}
		}
	}, err
}
