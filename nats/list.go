package nats

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

const (
	// listBatch is how many descriptions a listing requests before it creates a consumer.
	listBatch = 256

	// consumerWait is how long a listing waits for a consumer's next message.
	consumerWait = time.Second
)

// List implements object.Bucket. It returns everything in one page, because the store
// orders objects only by the time of their writes.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	found, err := b.below(ctx, opts.Prefix)
	page.Objects = make([]object.Object, 0, len(found))
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
			page.Objects = append(page.Objects, e.object())
		}
	}
	return page, err
}

// below returns the descriptions of names with a prefix. It reads those of the whole
// bucket to find them.
//
// It goes through the stream: what is replaced meanwhile is found again at the end. In a
// cluster, a copy may lag behind. What it does not have yet, the leader has; what it still
// has although it was deleted is not among the subjects that the leader knows.
func (b *bucket) below(ctx context.Context, prefix string) (map[string]*entry, error) {
	c, err := b.connected(ctx)
	if err != nil {
		return nil, err
	}
	var subjects map[string]uint64
	if c.stream.CachedInfo().Config.Replicas > 1 {
		state, err := b.state(ctx, b.descriptions+">")
		if err != nil {
			return nil, err
		}
		subjects = state.Subjects
	}
	found, next := map[string]*entry{}, uint64(1)
	add := func(m *jetstream.RawStreamMsg) {
		next = m.Sequence + 1
		key, ok := b.keyOf(m.Subject)
		if ok && strings.HasPrefix(key, prefix) && key != prefix && (subjects == nil || subjects[m.Subject] > 0) {
			found[key] = parse(key, m)
		}
	}
	for consumed := false; ; {
		messages, err := b.messages(ctx, b.descriptions+">", next, listBatch)
		if isMissing(err) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			add(m)
		}
		last := messages[len(messages)-1]
		if more := last.Header.Get("Nats-Num-Pending") != "0"; more && !consumed { // or it is not known
			// Of many, a consumer takes less time. Whatever it lacks is requested.
			consumed = true
			_ = b.consume(ctx, last.Sequence, jetstream.NextMaxWait(consumerWait), func(m *jetstream.RawStreamMsg, left uint64) bool {
				add(m)
				return left > 0
			})
		}
	}
}
