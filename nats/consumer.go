package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// consumer is a temporary consumer on a server, which reads the messages of the stream in
// order.
type consumer struct {
	*bucket
	filter   string // of their subjects
	name     string // empty if there is no consumer yet
	received uint64 // messages
	pending  uint64 // messages that should follow
	seen     uint64 // sequence of the last message
}

// start creates the consumer for the messages after the last one that was seen.
func (r *consumer) start(ctx context.Context) error {
	return r.call(ctx, func(ctx context.Context, c *conn) error {
		created, err := c.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			FilterSubject:     r.filter,
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       r.seen + 1,
			AckPolicy:         jetstream.AckNonePolicy,
			MemoryStorage:     true,
			Replicas:          1,
			InactiveThreshold: time.Minute, // in case it is not deleted
		})
		if err == nil {
			info := created.CachedInfo()
			r.name, r.received, r.pending = info.Name, 0, info.NumPending
		}
		return err
	})
}

// receive calls visit for the next n messages. If there are fewer, it waits for the first
// one, and reports that no more follow. All must arrive within Config.IdleTimeout.
func (r *consumer) receive(ctx context.Context, n uint64, wait time.Duration, visit func(*jetstream.RawStreamMsg)) (more bool, err error) {
	subject := "$JS.API.CONSUMER.MSG.NEXT." + r.stream + "." + r.name
	request := map[string]any{"batch": n, "no_wait": wait == 0, "expires": wait}
	left := n
	err = r.ask(ctx, subject, request, int(n), func(m *nats.Msg) (more bool, err error) {
		switch status := m.Header.Get("Status"); status {
		case "":
		case "404", "408":
			return false, nil
		default:
			return false, fmt.Errorf("%w: the consumer has ended: %s %s", errLost, status, m.Header.Get("Description"))
		}
		meta, err := m.Metadata()
		if r.received++; err != nil || meta.Sequence.Consumer != r.received {
			return false, fmt.Errorf("%w: messages are missing", errLost)
		}
		r.pending, r.seen = meta.NumPending, meta.Sequence.Stream
		visit(&jetstream.RawStreamMsg{Subject: m.Subject, Data: m.Data, Sequence: r.seen, Time: meta.Timestamp})
		left--
		return left > 0, nil
	})
	return left == 0, err
}

// end deletes the consumer.
func (r *consumer) end(ctx context.Context) {
	if r.name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = r.call(ctx, func(ctx context.Context, c *conn) error { return c.stream.DeleteConsumer(ctx, r.name) })
	r.name = ""
}
