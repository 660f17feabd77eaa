package objectstore

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/backend/object"
)

// List implements object.Bucket. It returns everything in one page, because the store
// orders objects only by the time of their writes.
func (b *Bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
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
func (b *Bucket) below(ctx context.Context, prefix string) (map[string]*entry, error) {
	found := make(map[string]*entry)
	err := b.stream.Latest(ctx, b.descriptions+">", func(m *jetstream.RawStreamMsg) {
		if key, ok := b.keyOf(m.Subject); ok && strings.HasPrefix(key, prefix) && key != prefix {
			e := parse(key, m)
			found[key] = &e
		}
	})
	return found, err
}
