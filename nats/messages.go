package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// messages returns the next messages whose subjects match filter, in order, starting at a
// sequence: at least one, and at most n. It asks any server with a copy of the stream, which
// may be old and lack some; servers older than 2.11 send only one. If the copy has none, it
// asks the leader for one. It costs one or two requests.
func (b *bucket) messages(ctx context.Context, filter string, seq uint64, n int) (found []*jetstream.RawStreamMsg, err error) {
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		if c.stream.CachedInfo().Config.AllowDirect {
			found, err = c.direct(ctx, b.stream, map[string]any{"seq": seq, "next_by_subj": filter, "batch": n}, n)
			if len(found) > 0 {
				return nil // an error will be met again after what was found
			}
			if err != nil {
				return err
			}
		}
		m, err := c.leader.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(filter))
		found = []*jetstream.RawStreamMsg{m}
		return err
	})
	return found, err
}

// direct sends a request that any server with a copy of a stream may respond to, and returns
// the messages: at most n.
func (c *conn) direct(ctx context.Context, stream string, request map[string]any, n int) (found []*jetstream.RawStreamMsg, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	inbox, answers := c.nc.NewInbox(), make(chan *nats.Msg, n+1) // SubscribeSync would make room for 64 Ki
	subscription, err := c.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, err
	}
	defer func() { _ = subscription.Unsubscribe() }()
	if err := c.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, text); err != nil {
		return nil, err
	}
	last := "0"
	for several := true; several && len(found) < n; {
		var m *nats.Msg
		select {
		case m = <-answers:
		case <-ctx.Done():
			return found, flow.Err(ctx)
		}
		var previous []string
		if previous, several = m.Header["Nats-Last-Sequence"]; several && previous[0] != last {
			return found, fmt.Errorf("%w: messages are missing", errLost)
		}
		last = m.Header.Get(jetstream.SequenceHeader)
		seq, err := strconv.ParseUint(last, 10, 64)
		if err != nil { // it has a Status: 204 after the last one, 404 if there is none, or an error
			break
		}
		at, _ := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
		found = append(found, &jetstream.RawStreamMsg{Subject: m.Header.Get(jetstream.SubjectHeader), Sequence: seq, Header: m.Header, Data: m.Data, Time: at})
	}
	return found, nil
}

// last returns the last message of a subject, with one request to the leader.
func (b *bucket) last(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		m, err = c.leader.GetLastMsgForSubject(ctx, subject)
		return err
	})
	return m, err
}

// state returns the state of the stream, as its leader knows it, and the subjects that
// match filter.
func (b *bucket) state(ctx context.Context, filter string) (state jetstream.StreamState, err error) {
	err = b.call(ctx, func(ctx context.Context, c *conn) error {
		info, err := c.stream.Info(ctx, jetstream.WithSubjectFilter(filter))
		if err == nil {
			state = info.State
		}
		return err
	})
	return state, err
}

// purge deletes messages.
func (b *bucket) purge(ctx context.Context, which ...jetstream.StreamPurgeOpt) error {
	return b.call(ctx, func(ctx context.Context, c *conn) error { return c.leader.Purge(ctx, which...) })
}
