package stream

import (
	"cmp"
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Sender sends messages in order without waiting for each. It must be used by one
// goroutine at a time.
type Sender struct {
	// First is the sequence of the first message, or 0 before it has arrived.
	First uint64

	stream   *Stream
	ahead    int
	retry    Retrier
	last     uint64                   // sequence of the last message that has arrived
	sent     []*sent                  // not acknowledged yet, in order
	over     *conn                    // the connection over which they were sent
	recalled []jetstream.PubAckFuture // of failed attempts over it
}

// Retrier repeats op if it fails with a temporary error.
type Retrier interface {
	Do(ctx context.Context, op func(context.Context) error) error
}

type sent struct {
	*nats.Msg
	id  string
	ack jetstream.PubAckFuture // nil unless a response is expected
}

// NewSender returns a Sender that waits for acknowledgements when ahead messages have
// none yet, and repeats messages with retry. NewSender sends nothing.
func (s *Stream) NewSender(ahead int, retry Retrier) *Sender {
	return &Sender{stream: s, ahead: ahead, retry: retry}
}

// Send sends a message, which must not be changed until it has arrived. Its unique ID
// tells the server if it is sent again. Send returns when fewer than ahead messages are
// unacknowledged.
func (s *Sender) Send(ctx context.Context, id string, m *nats.Msg) error {
	s.sent = append(s.sent, &sent{Msg: m, id: id})
	return s.deliver(ctx, s.ahead-1)
}

// Flush returns when all messages have arrived.
func (s *Sender) Flush(ctx context.Context) error { return s.deliver(ctx, 0) }

// deliver sends messages, and returns when at most so many are unacknowledged.
func (s *Sender) deliver(ctx context.Context, most int) error {
	return s.retry.Do(ctx, func(ctx context.Context) error {
		err := s.publish(ctx)
		for err == nil && len(s.sent) > most {
			err = s.arrive(ctx)
		}
		if err != nil {
			s.recall()
		}
		return err
	})
}

// recall causes all unacknowledged messages to be sent again.
func (s *Sender) recall() {
	for _, m := range s.sent {
		if m.ack != nil {
			s.recalled, m.ack = append(s.recalled, m.ack), nil
		}
	}
}

// publish sends the messages that are not being sent. Over a new connection, all are sent
// again, in order.
func (s *Sender) publish(ctx context.Context) error {
	c, err := s.stream.connected(ctx)
	if err != nil {
		return err
	}
	if c != s.over {
		s.recall()
		s.over, s.recalled = c, nil
	}
	for _, m := range s.sent {
		if m.ack != nil {
			continue
		}
		m.ack, err = c.js.PublishMsgAsync(m.Msg, jetstream.WithMsgID(m.id), jetstream.WithExpectStream(s.stream.cfg.Name), jetstream.WithRetryAttempts(0))
		if err != nil {
			return err
		}
	}
	return nil
}

// arrive waits for the acknowledgement of the oldest message.
func (s *Sender) arrive(ctx context.Context) error {
	oldest, arrived := s.sent[0], new(jetstream.PubAck)
	select {
	case arrived = <-oldest.ack.Ok(): // avoids the cost of a call
	default:
		err := s.stream.over(ctx, s.over, func(ctx context.Context) (err error) {
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
	s.First = cmp.Or(s.First, s.last)
	return nil
}

// reorder sends the oldest message again, which has arrived before the previous one: a
// cluster that had no leader for a moment has lost that one. It gets another ID, because
// the server would treat it as a duplicate.
func (s *Sender) reorder(ctx context.Context, oldest *sent, seq uint64) error {
	if err := s.stream.Delete(ctx, seq); err != nil {
		return err
	}
	oldest.id += "+"
	return s.publish(ctx)
}

// Wait waits until the server has responded to all messages, ctx ends, the connection is
// lost, or Config.IdleTimeout has passed.
func (s *Sender) Wait(ctx context.Context) {
	if s.over == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.stream.cfg.IdleTimeout)
	defer cancel()
	s.recall()
	for _, ack := range s.recalled {
		select {
		case <-ack.Ok():
		case <-ack.Err():
		case <-s.over.lost.Done():
		case <-ctx.Done():
		}
	}
}
