package nats

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// watcher reaches the store of a client.
type watcher struct {
	store atomic.Pointer[object.Store]
}

// Watch tells of each file of a level that is written from now on, by any
// client, as soon as it can be read: a follower need not list the level again
// and again. It costs one request and a consumer on the server. The sequence
// ends with ctx, whose error it yields, or when the caller breaks off; a lost
// connection is made again, and no file is left out. CreatedAt is the timestamp
// beside the file, else the time when it was written.
//
// A file may be written twice, and is then told of twice; one that is deleted
// soon may not be there any more. What was there before is LTXFiles' to tell.
func (c *ReplicaClient) Watch(ctx context.Context, level int) (iter.Seq2[*ltx.FileInfo, error], error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, &ltxstore.Error{Op: "watch", Backend: typeName, Kind: ltxstore.KindOf(err), Err: err}
	}
	if err := c.Init(ctx); err != nil {
		return nil, err
	}
	store := c.watch.store.Load()
	b := store.Bucket.(*bucket)
	wrap := func(err error) error {
		return &ltxstore.Error{Op: "watch", Backend: typeName, Key: store.Keys.LevelPrefix(level), Kind: kindOf(err), Err: b.log.Secrets.Error(b.Describe(err))}
	}
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
	if err != nil {
		return nil, wrap(flow.Ended(ctx, err))
	}
	return func(yield func(*ltx.FileInfo, error) bool) {
		defer messages.Stop()
		for {
			m, err := messages.Next(jetstream.NextContext(ctx))
			if err != nil {
				yield(nil, wrap(flow.Ended(ctx, err)))
				return
			}
			if info := b.watched(m, store.Keys, level); info != nil && !yield(info, nil) {
				return
			}
		}
	}, nil
}

// watched returns the file that a message describes, nil for another.
func (b *bucket) watched(m jetstream.Msg, keys backend.Keys, level int) *ltx.FileInfo {
	key, ok := b.keyOf(m.Subject())
	if !ok {
		return nil
	}
	at, minTXID, maxTXID, ok := keys.Parse(key)
	meta, err := m.Metadata()
	if !ok || at != level || err != nil {
		return nil
	}
	e, err := parse(key, m.Data(), meta.Sequence.Stream, meta.Timestamp)
	if err != nil || !e.exists() || e.Size == 0 {
		return nil
	}
	o := e.object()
	info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: o.Size, CreatedAt: o.Modified.UTC()}
	if at, ok := ltxio.MetadataTime(o.Metadata); ok {
		info.CreatedAt = at
	}
	return info
}
