package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// batch is how many messages of a listing are requested at a time. All of them must arrive
// within Config.IdleTimeout.
const batch = 1024

// Latest calls visit for the last message of each subject that matches filter. A
// message of a subject replaces the previous one; if that happens during the call,
// both may be visited, in order.
//
// It reads all messages with a temporary consumer: each subject has only one, and a
// consumer of only the last ones would skip some while others are deleted. In a cluster,
// the consumer may be on a server that lags behind: a subject may be there although it was
// deleted, or missing although it was replaced. The leader is therefore asked which
// subjects there are, and for what the consumer lacks.
func (s *Stream) Latest(ctx context.Context, filter string, visit func(*jetstream.RawStreamMsg)) error {
	l := &listing{name: s.cfg.Name, filter: filter, visit: visit, visited: make(map[string]bool)}
	defer l.end(ctx, s)
	err := s.call(ctx, l.start)
	for err == nil && !l.complete {
		err = s.call(ctx, l.receive)
	}
	for err == nil && (l.seen < l.last || l.pending > 0) {
		err = s.call(ctx, l.follow)
	}
	for subject := range l.subjects {
		if (err == nil || IsMissing(err)) && !l.visited[subject] {
			var m *jetstream.RawStreamMsg
			if m, err = s.Last(ctx, subject); err == nil {
				visit(m)
			}
		}
	}
	if IsMissing(err) { // it was deleted in the meantime
		return nil
	}
	return err
}

// listing is a call of Latest.
type listing struct {
	name, filter string
	visit        func(*jetstream.RawStreamMsg)
	consumer     string
	received     uint64            // messages
	pending      uint64            // messages that should follow
	complete     bool              // none follows
	subjects     map[string]uint64 // those of the leader; nil if there are no copies
	visited      map[string]bool   // those of them that were visited
	seen, last   uint64            // sequences: of the last message that was read, and of the leader's
}

// start creates the consumer.
func (l *listing) start(ctx context.Context, c *conn) error {
	if c.stream.CachedInfo().Config.Replicas > 1 {
		state, err := c.state(ctx, l.name, l.filter)
		if err != nil {
			return err
		}
		l.subjects, l.last = state.Subjects, state.LastSeq
	}
	consumer, err := c.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject:     l.filter,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute, // in case it is not deleted
	})
	if err == nil {
		info := consumer.CachedInfo()
		l.consumer, l.pending = info.Name, info.NumPending
	}
	return err
}

// receive reads the next messages of the consumer.
func (l *listing) receive(ctx context.Context, c *conn) error {
	request := map[string]any{"batch": batch, "no_wait": true}
	return c.ask(ctx, "$JS.API.CONSUMER.MSG.NEXT."+l.name+"."+l.consumer, request, batch, func(m *nats.Msg) (more bool, err error) {
		switch status := m.Header.Get("Status"); status {
		case "":
		case "404", "408":
			l.complete = true
			return false, nil
		default:
			return false, fmt.Errorf("%w: the consumer of a listing has ended: %s %s", errLost, status, m.Header.Get("Description"))
		}
		meta, err := m.Metadata()
		if l.received++; err != nil || meta.Sequence.Consumer != l.received {
			return false, fmt.Errorf("%w: messages of a listing are missing", errLost)
		}
		l.pending = meta.NumPending
		l.add(&jetstream.RawStreamMsg{Subject: m.Subject, Data: m.Data, Sequence: meta.Sequence.Stream, Time: meta.Timestamp})
		return l.received%batch > 0, nil
	})
}

// follow asks the leader for the next message. The error is jetstream.ErrMsgNotFound if
// there is none.
func (l *listing) follow(ctx context.Context, c *conn) error {
	m, err := c.stream.GetMsg(ctx, l.seen+1, jetstream.WithGetMsgSubject(l.filter))
	if err == nil {
		l.pending = max(l.pending, 1) - 1
		l.add(m)
	}
	return err
}

func (l *listing) add(m *jetstream.RawStreamMsg) {
	l.seen = m.Sequence
	if l.subjects != nil {
		if l.subjects[m.Subject] == 0 {
			return
		}
		l.visited[m.Subject] = true
	}
	l.visit(m)
}

// end deletes the consumer.
func (l *listing) end(ctx context.Context, s *Stream) {
	if l.consumer == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.call(ctx, func(ctx context.Context, c *conn) error { return c.stream.DeleteConsumer(ctx, l.consumer) })
}
