package nats

import (
	"cmp"
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// maxKept is how many bytes of a write are sent at a time, and in memory until they have
// arrived.
const maxKept = 4 << 20

// sender sends chunks in order without waiting for each. It must be used by one goroutine
// at a time.
type sender struct {
	*bucket
	retry       object.Retrier
	first, last uint64   // sequences of the first chunk and of the last one that has arrived
	sent        []*chunk // those that have not, in order
	via         *conn    // the connection over which they were sent
}

// chunk is a message whose ID tells the server if it is sent again.
type chunk struct {
	*nats.Msg
	id  string
	ack jetstream.PubAckFuture // nil unless a response is expected
}

// deliver sends more chunks, and returns when at most so many have not arrived. After a
// failure, or over a new connection, all that have not are sent again, in order.
func (s *sender) deliver(ctx context.Context, most int, more ...*chunk) error {
	s.sent = append(s.sent, more...)
	again := false
	return s.retry.Do(ctx, func(ctx context.Context) error {
		c, err := s.connected(ctx)
		if err != nil {
			return err
		}
		if again || c != s.via {
			for _, m := range s.sent {
				m.ack = nil
			}
		}
		again, s.via = true, c
		for _, m := range s.sent {
			if err := s.transmit(m); err != nil {
				return err
			}
		}
		for len(s.sent) > most {
			if err := s.arrive(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// transmit sends a chunk, unless it is being sent.
func (s *sender) transmit(m *chunk) (err error) {
	if m.ack == nil {
		m.ack, err = s.via.js.PublishMsgAsync(m.Msg, jetstream.WithMsgID(m.id), jetstream.WithRetryAttempts(0))
	}
	return err
}

// arrive waits for the acknowledgement of the oldest chunk.
func (s *sender) arrive(ctx context.Context) error {
	oldest, arrived := s.sent[0], new(jetstream.PubAck)
	err := s.over(ctx, s.via, func(ctx context.Context) error {
		select {
		case arrived = <-oldest.ack.Ok():
			return nil
		case err := <-oldest.ack.Err():
			oldest.ack = nil // it responds only once
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	oldest.ack = nil
	if arrived.Sequence > s.last {
		s.last, s.sent = arrived.Sequence, s.sent[1:]
		s.first = cmp.Or(s.first, s.last)
		return nil
	}
	// It has arrived before the previous one: a cluster that had no leader for a moment has
	// lost that one. The server would treat the same ID as a duplicate.
	if err := s.remove(ctx, arrived.Sequence); err != nil {
		return err
	}
	oldest.id += "+"
	return s.transmit(oldest)
}

// remove deletes the message with a sequence, if there is one.
func (s *sender) remove(ctx context.Context, seq uint64) error {
	return s.call(ctx, func(ctx context.Context, c *conn) error {
		err := c.leader.DeleteMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			if _, missing := c.leader.GetMsg(ctx, seq); isMissing(missing) {
				return nil
			}
		}
		return err
	})
}

// wait waits until the server has responded to what was sent last, the connection is lost,
// or ctx ends.
func (s *sender) wait(ctx context.Context) {
	for _, m := range s.sent {
		if m.ack == nil {
			continue
		}
		select {
		case <-m.ack.Ok():
		case <-m.ack.Err():
		case <-s.via.lost.Done():
		case <-ctx.Done():
		}
	}
}
