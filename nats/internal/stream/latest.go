package stream

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// batch is how many messages of a listing are requested at a time.
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
	l := &listing{consumer: consumer{Stream: s, filter: filter}, visit: visit, visited: make(map[string]bool)}
	defer l.end(ctx)
	err := s.call(ctx, l.begin)
	for more := true; more && err == nil; {
		err = s.call(ctx, func(ctx context.Context, c *conn) (err error) {
			more, err = l.receive(ctx, c, batch, 0, l.add)
			return err
		})
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
	consumer
	visit    func(*jetstream.RawStreamMsg)
	subjects map[string]uint64 // those of the leader; nil if there are no copies
	visited  map[string]bool   // those of them that were visited
	last     uint64            // the leader's last sequence
}

func (l *listing) begin(ctx context.Context, c *conn) error {
	if c.stream.CachedInfo().Config.Replicas > 1 {
		state, err := c.state(ctx, l.cfg.Name, l.filter)
		if err != nil {
			return err
		}
		l.subjects, l.last = state.Subjects, state.LastSeq
	}
	return l.start(ctx, c)
}

// follow asks the leader for the next message. The error is jetstream.ErrMsgNotFound if
// there is none.
func (l *listing) follow(ctx context.Context, c *conn) error {
	m, err := c.stream.GetMsg(ctx, l.seen+1, jetstream.WithGetMsgSubject(l.filter))
	if err == nil {
		l.pending = max(l.pending, 1) - 1
		l.seen = m.Sequence
		l.add(m)
	}
	return err
}

func (l *listing) add(m *jetstream.RawStreamMsg) {
	if l.subjects != nil {
		if l.subjects[m.Subject] == 0 {
			return
		}
		l.visited[m.Subject] = true
	}
	l.visit(m)
}
