package stream

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// Read calls visit for at most n messages of a subject, in order, starting at a sequence,
// until visit returns an error. It returns the number of messages. It asks any server
// with a copy of the stream, which may be old and lack some. If the copy has none, it
// asks the leader for one. It costs one or two requests.
func (s *Stream) Read(ctx context.Context, subject string, seq uint64, n int, visit func(*jetstream.RawStreamMsg) error) (found int, err error) {
	err = s.call(ctx, func(ctx context.Context, c *conn) error {
		if c.copies {
			found, err = c.copied(ctx, s.cfg.Name, subject, seq, n, visit)
			if found > 0 || err != nil {
				return err
			}
		}
		m, err := c.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if err == nil {
			found, err = 1, visit(m)
		}
		return err
	})
	return found, err
}

// copied calls visit for a server's copies of messages, and returns their number. It
// costs one request. Servers older than 2.11 send only one message.
func (c *conn) copied(ctx context.Context, stream, subject string, seq uint64, n int, visit func(*jetstream.RawStreamMsg) error) (found int, err error) {
	request := map[string]any{"seq": seq, "next_by_subj": subject, "batch": n}
	err = c.ask(ctx, "$JS.API.DIRECT.GET."+stream, request, n, func(m *nats.Msg) (more bool, err error) {
		seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil { // it has a Status: 204 after the last one, 404 if there is none, or an error
			return false, nil
		}
		if err := visit(&jetstream.RawStreamMsg{Sequence: seq, Header: m.Header, Data: m.Data}); err != nil {
			return false, err
		}
		found++
		_, more = m.Header["Nats-Num-Pending"]
		return more && found < n, nil
	})
	return found, err
}

// ask sends a request that is responded to with at most n messages and a status, and calls
// visit for them until there are no more.
func (c *conn) ask(ctx context.Context, subject string, request map[string]any, n int, visit func(*nats.Msg) (more bool, err error)) error {
	payload, err := json.Marshal(request)
	if err != nil {
		return err
	}
	inbox, answers := c.nc.NewInbox(), make(chan *nats.Msg, n+1) // SubscribeSync would make room for 64 Ki
	subscription, err := c.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return err
	}
	defer func() { _ = subscription.Unsubscribe() }()
	if err := c.nc.PublishRequest(subject, inbox, payload); err != nil {
		return err
	}
	for more := true; more && err == nil; {
		select {
		case m := <-answers:
			more, err = visit(m)
		case <-ctx.Done():
			err = flow.Err(ctx)
		}
	}
	return err
}
