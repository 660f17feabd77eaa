package nats

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// last returns the last message of a subject, with one request to the leader of the
// stream's servers, which has the latest.
func (b *bucket) last(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		m, err = c.stream.GetLastMsgForSubject(ctx, subject)
		return err
	})
	return m, err
}

// state returns the state of the stream, as its leader knows it, and the subjects that
// match filter.
func (b *bucket) state(ctx context.Context, filter string) (state jetstream.StreamState, err error) {
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		stream, err := c.informed.Get(ctx, func(ctx context.Context) (*jetstream.Stream, error) {
			stream, err := c.js.Stream(ctx, b.stream)
			return &stream, err
		})
		if err != nil {
			return err
		}
		info, err := (*stream).Info(ctx, jetstream.WithSubjectFilter(filter))
		if err == nil {
			state = info.State
		}
		return err
	})
	return state, err
}

// deleteMessage deletes the message with a sequence, if there is one.
func (b *bucket) deleteMessage(ctx context.Context, seq uint64) error {
	return b.call(ctx, func(ctx context.Context, c *conn) error {
		err := c.stream.DeleteMsg(ctx, seq)
		if !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			return err
		}
		_, missing := c.stream.GetMsg(ctx, seq)
		if isMissing(missing) {
			return nil
		}
		return cmp.Or(missing, err)
	})
}

// purge deletes all messages of a subject.
func (b *bucket) purge(ctx context.Context, subject string) error {
	return b.call(ctx, func(ctx context.Context, c *conn) error {
		return c.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
	})
}

// messages calls visit for at most n messages of a subject, in order, starting at a
// sequence, until visit returns an error. It returns the number of messages. It asks any
// server with a copy of the stream, which may be old and lack some; servers older than 2.11
// send only one. If the copy has none, it asks the leader for one. It costs one or two
// requests.
func (b *bucket) messages(ctx context.Context, subject string, seq uint64, n int, visit func(*jetstream.RawStreamMsg) error) (found int, err error) {
	c, err := b.connected(ctx)
	if err != nil {
		return 0, err
	}
	if c.copies {
		request := map[string]any{"seq": seq, "next_by_subj": subject, "batch": n}
		err = b.ask(ctx, "$JS.API.DIRECT.GET."+b.stream, request, n, func(m *nats.Msg) (more bool, err error) {
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
		if found > 0 || err != nil {
			return found, err
		}
	}
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		m, err := c.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if err == nil {
			found, err = 1, visit(m)
		}
		return err
	})
	return found, err
}

// ask sends a request that is responded to with at most n messages and a status, and calls
// visit for them until there are no more.
func (b *bucket) ask(ctx context.Context, subject string, request map[string]any, n int, visit func(*nats.Msg) (more bool, err error)) error {
	payload, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return b.call(ctx, func(ctx context.Context, c *conn) error {
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
	})
}
