package stream

import (
	"cmp"
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Sender sends messages one after another and does not wait for each. It is for one
// goroutine.
type Sender struct {
	// First is the sequence of the first message that has arrived, 0 before that.
	First uint64

	stream   *Stream
	ahead    int
	retry    Retrier
	last     uint64                   // sequence of the last message that has arrived
	sent     []*sent                  // those that have not arrived, as far as is known, in their order
	over     line                     // which those of them that are under way were sent over
	recalled []jetstream.PubAckFuture // of attempts that have failed
}

// line is a connection from one reconnect to the next.
type line struct {
	conn       *conn
	reconnects uint64
}

// Retrier repeats what may be repeated.
type Retrier interface {
	Do(ctx context.Context, op func(context.Context) error) error
}

type sent struct {
	*nats.Msg
	id  string
	ack jetstream.PubAckFuture // nil unless an answer is to come
}

// NewSender returns a Sender that has so many messages under way, and repeats them by
// retry. It sends nothing.
func (s *Stream) NewSender(ahead int, retry Retrier) *Sender {
	return &Sender{stream: s, ahead: ahead, retry: retry}
}

// Send sends a message. By its ID, which it has alone, the server knows one that is
// sent again. Send returns when less than ahead messages are under way; m is not
// changed until it has arrived.
func (s *Sender) Send(ctx context.Context, id string, m *nats.Msg) error {
	s.sent = append(s.sent, &sent{Msg: m, id: id})
	return s.deliver(ctx, s.ahead-1)
}

// Flush returns when all messages have arrived.
func (s *Sender) Flush(ctx context.Context) error { return s.deliver(ctx, 0) }

// deliver sends what is not under way, until at most so many messages have not
// arrived.
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

// recall makes all that has not arrived be sent again.
func (s *Sender) recall() {
	for _, m := range s.sent {
		if m.ack != nil {
			s.recalled, m.ack = append(s.recalled, m.ack), nil
		}
	}
}

// publish sends what is not under way. None may overtake the one before it, which may
// be lost with another connection.
func (s *Sender) publish(ctx context.Context) error {
	for i, m := range s.sent {
		if m.ack != nil {
			continue
		}
		c, err := s.stream.connected(ctx)
		if err != nil {
			return err
		}
		if i == 0 {
			s.over = line{c, c.nc.Stats().Reconnects}
		} else if s.isLost(c) {
			return errLost
		}
		m.ack, err = c.js.PublishMsgAsync(m.Msg, jetstream.WithMsgID(m.id), jetstream.WithExpectStream(s.stream.cfg.Name), jetstream.WithRetryAttempts(0))
		if err != nil {
			return err
		}
	}
	return nil
}

// isLost reports whether the connection is another than the one over which what is
// under way was sent.
func (s *Sender) isLost(c *conn) bool { return s.over != line{c, c.nc.Stats().Reconnects} }

// arrive waits until the oldest message that is under way has arrived.
func (s *Sender) arrive(ctx context.Context) error {
	oldest, arrived := s.sent[0], new(jetstream.PubAck)
	select {
	case arrived = <-oldest.ack.Ok(): // without the cost of a call
	default:
		err := s.stream.call(ctx, func(ctx context.Context, c *conn) (err error) {
			if s.isLost(c) {
				return errLost
			}
			select {
			case arrived = <-oldest.ack.Ok():
			case err = <-oldest.ack.Err():
				oldest.ack = nil // it answers once
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
		return errDisorder
	}
	s.last, s.sent = arrived.Sequence, s.sent[1:]
	s.First = cmp.Or(s.First, s.last)
	return nil
}

// Wait waits until the server has answered all that was sent, or ctx ends.
func (s *Sender) Wait(ctx context.Context) {
	s.recall()
	for _, ack := range s.recalled {
		select {
		case <-ack.Ok():
		case <-ack.Err():
		case <-ctx.Done():
		}
	}
}
