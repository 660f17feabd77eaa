package nats

import (
	"cmp"
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// sender sends messages in order without waiting for each. It must be used by one
// goroutine at a time.
type sender struct {
	*bucket
	ahead int
	retry object.Retrier
	first uint64  // sequence of the first message, or 0 before it has arrived
	last  uint64  // sequence of the last message that has arrived
	sent  []*sent // not acknowledged yet, in order
	over  *conn   // the connection over which they were sent
}

type sent struct {
	*nats.Msg
	id  string
	ack jetstream.PubAckFuture // nil unless a response is expected
}

// newSender returns a sender that waits for acknowledgements when ahead messages have
// none yet, and repeats messages with retry. newSender sends nothing.
func (b *bucket) newSender(ahead int, retry object.Retrier) *sender {
	return &sender{bucket: b, ahead: ahead, retry: retry}
}

// send sends a message, which must not be changed until it has arrived. Its unique ID
// tells the server if it is sent again. send returns when fewer than ahead messages are
// unacknowledged.
func (s *sender) send(ctx context.Context, id string, m *nats.Msg) error {
	s.sent = append(s.sent, &sent{Msg: m, id: id})
	return s.deliver(ctx, s.ahead-1)
}

// flush returns when all messages have arrived.
func (s *sender) flush(ctx context.Context) error { return s.deliver(ctx, 0) }

// deliver sends messages, and returns when at most so many are unacknowledged.
func (s *sender) deliver(ctx context.Context, most int) error {
	again := false
	return s.retry.Do(ctx, func(ctx context.Context) error {
		err := s.publish(ctx, again)
		for err == nil && len(s.sent) > most {
			err = s.arrive(ctx)
		}
		again = true
		return err
	})
}

// publish sends the messages that are not being sent. After a failure, or over a new
// connection, all are sent again, in order.
func (s *sender) publish(ctx context.Context, again bool) error {
	c, err := s.connected(ctx)
	if err != nil {
		return err
	}
	if again || c != s.over {
		s.over = c
		for _, m := range s.sent {
			m.ack = nil
		}
	}
	for _, m := range s.sent {
		if m.ack != nil {
			continue
		}
		m.ack, err = c.js.PublishMsgAsync(m.Msg, jetstream.WithMsgID(m.id), jetstream.WithExpectStream(s.stream), jetstream.WithRetryAttempts(0))
		if err != nil {
			return err
		}
	}
	return nil
}

// arrive waits for the acknowledgement of the oldest message.
func (s *sender) arrive(ctx context.Context) error {
	oldest, arrived := s.sent[0], new(jetstream.PubAck)
	select {
	case arrived = <-oldest.ack.Ok(): // avoids the cost of a call
	default:
		err := s.bucket.over(ctx, s.over, func(ctx context.Context) (err error) {
			select {
			case arrived = <-oldest.ack.Ok():
			case err = <-oldest.ack.Err():
				oldest.ack = nil // it responds only once
			case <-ctx.Done():
				err = ctx.Err()
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	oldest.ack = nil
	if arrived.Sequence <= s.last {
		return s.reorder(ctx, oldest, arrived.Sequence)
	}
	s.last, s.sent = arrived.Sequence, s.sent[1:]
	s.first = cmp.Or(s.first, s.last)
	return nil
}

// reorder sends the oldest message again, which has arrived before the previous one: a
// cluster that had no leader for a moment has lost that one. It gets another ID, because
// the server would treat it as a duplicate.
func (s *sender) reorder(ctx context.Context, oldest *sent, seq uint64) error {
	if err := s.deleteMessage(ctx, seq); err != nil {
		return err
	}
	oldest.id += "+"
	return s.publish(ctx, false)
}

// wait waits until the server has responded to what was sent last, ctx ends, the connection
// is lost, or Config.IdleTimeout has passed.
func (s *sender) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.IdleTimeout)
	defer cancel()
	for _, m := range s.sent {
		if m.ack == nil {
			continue
		}
		select {
		case <-m.ack.Ok():
		case <-m.ack.Err():
		case <-s.over.lost.Done():
		case <-ctx.Done():
		}
	}
}
