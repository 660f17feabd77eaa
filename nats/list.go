package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// listBatch is how many descriptions are asked for at once.
const listBatch = 256

// List implements object.Bucket. It has all in one page: the store has no other
// order than that of the writes.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	found, err := b.below(ctx, opts.Prefix)
	deeper := map[string]bool{}
	for key, e := range found {
		folder, _, below := strings.Cut(strings.TrimPrefix(key, opts.Prefix), "/")
		switch prefix := opts.Prefix + folder + "/"; {
		case e.damaged != nil:
			return object.Page{}, e.damaged
		case !e.exists(), below && deeper[prefix]:
		case below:
			deeper[prefix] = true
			page.Prefixes = append(page.Prefixes, prefix)
		default:
			o := e.object()
			o.Sum = nil
			page.Objects = append(page.Objects, o)
		}
	}
	return page, err
}

// below returns the descriptions of names with a prefix. It reads all of the
// bucket, by a consumer that lives as long.
//
// A description replaces the one before it, so each subject has one message, and
// a consumer of the last messages is not needed: it would skip some while others
// are deleted. Its number of pending messages is then wrong too, so the end is
// the last message that was there in the beginning.
func (b *bucket) below(ctx context.Context, prefix string) (map[string]entry, error) {
	var end uint64
	var consumer string
	err := b.call(ctx, func(ctx context.Context, s *session) error {
		last, err := s.leader.GetLastMsgForSubject(ctx, b.descriptions+">")
		if err != nil {
			return err
		}
		end = last.Sequence
		c, err := s.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			FilterSubject:     b.descriptions + ">",
			DeliverPolicy:     jetstream.DeliverAllPolicy,
			AckPolicy:         jetstream.AckNonePolicy,
			MemoryStorage:     true,
			Replicas:          1,
			InactiveThreshold: time.Minute, // should it not be deleted
		})
		if err == nil {
			consumer = c.CachedInfo().Name
		}
		return err
	})
	found := map[string]entry{} // an object that is written meanwhile may come twice
	if isMissing(err) {
		return found, nil
	}
	for more := true; more && err == nil; {
		err = b.call(ctx, func(ctx context.Context, s *session) (err error) {
			more, err = b.fetch(ctx, s, consumer, end, func(key string, m *nats.Msg, meta *nats.MsgMetadata) {
				if strings.HasPrefix(key, prefix) && key != prefix {
					found[key] = parse(key, m.Data, meta.Sequence.Stream, meta.Timestamp)
				}
			})
			return err
		})
	}
	if consumer != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = b.call(ctx, func(ctx context.Context, s *session) error { return s.stream.DeleteConsumer(ctx, consumer) })
	}
	return found, err
}

// fetch asks a consumer for its next messages and reports whether there are more
// up to the one of sequence end.
//
// A request that does not wait, and yet has a time, is answered with what there
// is and then with 404, both by looking at the stream; without a time it would be
// refused by the number of messages that the consumer believes to be left.
func (b *bucket) fetch(ctx context.Context, s *session, consumer string, end uint64, add func(key string, m *nats.Msg, meta *nats.MsgMetadata)) (more bool, err error) {
	inbox := s.nc.NewInbox()
	answers, err := s.nc.SubscribeSync(inbox)
	if err != nil {
		return false, err
	}
	defer func() { _ = answers.Unsubscribe() }()
	request, err := json.Marshal(map[string]any{"batch": listBatch, "no_wait": true, "expires": time.Second})
	if err == nil {
		err = s.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+b.stream+"."+consumer, inbox, request)
	}
	if err != nil {
		return false, err
	}
	for range listBatch {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return false, err
		}
		if status := m.Header.Get("Status"); status != "" {
			if text := m.Header.Get("Description"); status != "404" && text != "Request Timeout" {
				err = fmt.Errorf("%w: a listing was answered with %s %s", errLost, status, text)
			}
			return false, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return false, err
		}
		if key, ok := b.keyOf(m.Subject); ok {
			add(key, m, meta)
		}
		if meta.Sequence.Stream >= end {
			return false, nil
		}
	}
	return true, nil
}
