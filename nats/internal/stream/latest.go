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
	// Config.IdleTimeout, and ahead how many are received before they are asked for.
	batch = 1024
	ahead = 256

	// heartbeat is how often a consumer without messages tells that it is there: it
	// is the least that servers allow. After silence, it has gone with its server.
	heartbeat = 100 * time.Millisecond
	silence   = 10 * time.Second
)

// Latest calls visit for the last message of each subject that matches a filter, where
// a message replaces the one before it. One that is replaced meanwhile may be visited
// too, before the one that replaces it. In a cluster, Latest costs a request for each
// subject that a server has not yet and wants reports true for.
//
// It reads by a consumer that lives as long, to the last message that was there in
// the beginning, and on to where the consumer has no more: what was there may
// have been replaced meanwhile, and moved to the end. A consumer of the last messages
// is not needed, and would skip some while others are deleted.
//
// In a cluster, the consumer may be on a server that lags behind. So the leader tells
// the subjects that there are: one that was deleted may still be in the copy, and one
// that was replaced may have left it.
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
	if IsMissing(err) { // there are none, or the last one was deleted meanwhile
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

// listing is a listing under way.
type listing struct {
	filter    string
	visit     func(*jetstream.RawStreamMsg)
	consumer  string
	sub       *nats.Subscription
	messages  chan *nats.Msg
	received  uint64
	complete  bool
	seen, end uint64            // sequences: of the last message that was read, and of the last one to read
	subjects  map[string]uint64 // those that the leader has; nil if there are no copies
	visited   map[string]bool   // those of them that were visited
}

// start makes the consumer, whose messages are received until done.
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
		InactiveThreshold: time.Minute, // should it not be deleted
	})
	if err == nil {
		l.consumer, l.end = consumer.CachedInfo().Name, last.Sequence
	}
	return err
}

// receive reads the next messages. If the consumer has none, it asks the leader for
// one, which is jetstream.ErrMsgNotFound if it has none either.
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
			return fmt.Errorf("%w: the consumer of a listing has gone with its server", errLost)
		case <-ctx.Done():
			return flow.Err(ctx)
		}
	}
	return nil
}

func (l *listing) add(m *jetstream.RawStreamMsg) {
	if m.Sequence <= l.seen { // it has come from the leader, or the leader has it no more
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
