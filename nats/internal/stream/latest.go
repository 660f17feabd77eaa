package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

const (
	// batch is how many messages of a listing must arrive within
	// Config.IdleTimeout, and ahead how many are received in advance.
	batch = 1024
	ahead = 256

	// heartbeat is how often a consumer without messages reports that it exists, which
	// is the minimum that servers allow. After silence, it was lost with its server.
	heartbeat = 100 * time.Millisecond
	silence   = 10 * time.Second
)

// Latest calls visit for the last message of each subject that matches filter. A
// message of a subject replaces the previous one; if that happens during the call,
// both may be visited, in order. In a cluster, Latest costs a request for each subject
// that a server does not have yet and for which wants returns true.
//
// It reads with a temporary consumer up to the last message at the start, and then until
// the consumer has no more: messages may have been replaced since, and moved to the end.
// A consumer of only the last messages is not needed, and would skip some while others
// are deleted.
//
// In a cluster, the consumer may be on a server that lags behind: a subject may be in its
// copy although it was deleted, or missing although it was replaced. The subjects are
// therefore requested from the leader.
func (s *Stream) Latest(ctx context.Context, filter string, wants func(subject string) bool, visit func(*jetstream.RawStreamMsg)) error {
	l := &listing{filter: filter, visit: visit, messages: make(chan *nats.Msg, ahead)}
	done, end := context.WithCancel(ctx)
	defer end()
	err := s.call(ctx, func(ctx context.Context, c *conn) error { return l.start(ctx, done, s.cfg.Name, c) })
	if l.sub != nil {
		defer func() { _ = l.sub.Unsubscribe() }()
	}
	for err == nil && !l.complete {
		err = s.call(ctx, l.receive)
	}
	if l.consumer != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.call(ctx, func(ctx context.Context, c *conn) error { return c.stream.DeleteConsumer(ctx, l.consumer) })
	}
	if IsMissing(err) { // there are none, or the last one was deleted in the meantime
		err = nil
	}
	for subject := range l.subjects {
		if err != nil || l.visited[subject] || !wants(subject) {
			continue
		}
		var last *jetstream.RawStreamMsg
		if last, err = s.Last(ctx, subject); err == nil {
			visit(last)
		} else if IsMissing(err) {
			err = nil
		}
	}
	return err
}

// listing is a call of Latest.
type listing struct {
	filter    string
	visit     func(*jetstream.RawStreamMsg)
	consumer  string
	sub       *nats.Subscription
	messages  chan *nats.Msg
	received  uint64
	complete  bool
	seen, end uint64            // sequences: of the last message that was read, and of the last one to read
	subjects  map[string]uint64 // those of the leader; nil if there are no copies
	visited   map[string]bool   // those of them that were visited
}

// start creates the consumer, whose messages are received until done.
func (l *listing) start(ctx, done context.Context, name string, c *conn) error {
	last, err := c.stream.GetLastMsgForSubject(ctx, l.filter)
	if err != nil {
		return err
	}
	if c.stream.CachedInfo().Config.Replicas > 1 {
		l.visited = make(map[string]bool)
		if l.subjects, err = c.subjects(ctx, name, l.filter); err != nil {
			return err
		}
	}
	inbox := c.nc.NewInbox()
	l.sub, err = c.nc.Subscribe(inbox, func(m *nats.Msg) {
		select {
		case l.messages <- m:
		case <-done.Done():
		}
	})
	if err == nil {
		err = l.sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		return err
	}
	consumer, err := c.stream.CreatePushConsumer(ctx, jetstream.ConsumerConfig{
		DeliverSubject:    inbox,
		FilterSubject:     l.filter,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		IdleHeartbeat:     heartbeat,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute, // in case it is not deleted
	})
	if err == nil {
		l.consumer, l.end = consumer.CachedInfo().Name, last.Sequence
	}
	return err
}

// receive reads the next messages. If the consumer has none, it asks the leader for
// one. The error is jetstream.ErrMsgNotFound if the leader has none either.
func (l *listing) receive(ctx context.Context, c *conn) error {
	silent := time.NewTimer(silence)
	defer silent.Stop()
	for range batch {
		select {
		case m := <-l.messages:
			if m.Header.Get("Status") != "" {
				next, err := c.stream.GetMsg(ctx, l.seen+1, jetstream.WithGetMsgSubject(l.filter))
				if err == nil {
					l.add(next)
				}
				return err
			}
			meta, err := m.Metadata()
			if l.received++; err != nil || meta.Sequence.Consumer != l.received {
				return fmt.Errorf("%w: messages of a listing are missing", errLost)
			}
			l.add(&jetstream.RawStreamMsg{Subject: m.Subject, Data: m.Data, Sequence: meta.Sequence.Stream, Time: meta.Timestamp})
			if l.complete = l.seen >= l.end && meta.NumPending == 0; l.complete {
				return nil
			}
		case <-silent.C:
			return fmt.Errorf("%w: the consumer of a listing was lost with its server", errLost)
		case <-ctx.Done():
			return flow.Err(ctx)
		}
	}
	return nil
}

func (l *listing) add(m *jetstream.RawStreamMsg) {
	if m.Sequence <= l.seen { // it came from the leader, or the leader no longer has it
		return
	}
	l.seen = m.Sequence
	if l.subjects != nil {
		if l.subjects[m.Subject] == 0 {
			return
		}
		l.visited[m.Subject] = true
	}
	l.visit(m)
}
