package nats

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
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
// It reads all messages with a temporary consumer: each subject has only one, and a
// consumer of only the last ones would skip some while others are deleted. In a cluster,
// the consumer may be on a server that lags behind: a subject may be there although it was
// deleted, or missing although it was replaced. The leader is therefore asked which
// subjects there are, and for what the consumer lacks.
func (b *bucket) below(ctx context.Context, prefix string) (map[string]*entry, error) {
	l := &listing{consumer: consumer{bucket: b, filter: b.descriptions + ">"}, prefix: prefix,
		found: make(map[string]*entry), visited: make(map[string]bool)}
	defer l.end(ctx)
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	for more := true; more; {
		var err error
		if more, err = l.receive(ctx, batch, 0, l.add); err != nil {
			return nil, err
		}
	}
	for l.seen < l.last || l.pending > 0 {
		if err := l.follow(ctx); isMissing(err) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	for subject := range l.subjects {
		if l.visited[subject] {
			continue
		}
		m, err := b.last(ctx, subject)
		switch {
		case err == nil:
			l.add(m)
		case !isMissing(err): // it was deleted in the meantime
			return nil, err
		}
	}
	return l.found, nil
}

// batch is how many messages of a listing are requested at a time.
const batch = 1024

// listing reads the descriptions of a bucket.
type listing struct {
	consumer
	prefix   string            // of the names
	found    map[string]*entry // by name
	subjects map[string]uint64 // those of the leader; nil if there are no copies
	visited  map[string]bool   // those of them that were visited
	last     uint64            // the leader's last sequence
}

func (l *listing) begin(ctx context.Context) error {
	c, err := l.connected(ctx)
	if err != nil {
		return err
	}
	if c.stream.CachedInfo().Config.Replicas > 1 {
		state, err := l.state(ctx, l.filter)
		if err != nil {
			return err
		}
		l.subjects, l.last = state.Subjects, state.LastSeq
	}
	return l.start(ctx)
}

// follow asks the leader for the next message.
func (l *listing) follow(ctx context.Context) error {
	return l.call(ctx, func(ctx context.Context, c *conn) error {
		m, err := c.stream.GetMsg(ctx, l.seen+1, jetstream.WithGetMsgSubject(l.filter))
		if err == nil {
			l.pending = max(l.pending, 1) - 1
			l.seen = m.Sequence
			l.add(m)
		}
		return err
	})
}

func (l *listing) add(m *jetstream.RawStreamMsg) {
	if l.subjects != nil {
		if l.subjects[m.Subject] == 0 {
			return
		}
		l.visited[m.Subject] = true
	}
	if key, ok := l.keyOf(m.Subject); ok && strings.HasPrefix(key, l.prefix) && key != l.prefix {
		e := parse(key, m)
		l.found[key] = &e
	}
}
