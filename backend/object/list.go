package object

import (
	"context"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// LTXFiles implements ltxstore.ReplicaClient. It costs one request for each
// page from seek on, or a single one if there are none; deeper prefixes below
// the level count as one file each. The next page is fetched ahead; in a level of
// more than five pages, up to sixteen more where they are expected to begin, which may
// cost a fifth and two more requests than there are pages. Where the
// store does not start at a given key, or does not sort, a seek lists the level
// from its beginning; where it does not sort, the level is in memory before the
// first item.
//
// CreatedAt is the timestamp in an object's metadata, where the listing has
// that, else the time at which the store got the object. With useMetadata,
// a file of which the listing does not tell the timestamp costs one request
// for its properties, where these could tell more than the listing, and one
// for its first 100 bytes where they do not tell it either: Store.MetadataConcurrency
// of them at once, a page ahead of the caller. A file that is deleted meanwhile
// is left out; one with the LTX magic and no valid header ends the listing with
// ErrChecksum (clause T3). A store that lists files without their size or time
// costs such a request for each of these too.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, c.refuse("list", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "list", Level: level, Done: slog.LevelDebug})
	prefix := r.Keys.LevelPrefix(level)
	l := &listing{replica: r, level: level, seek: seek, metadata: useMetadata, pages: guesser{replica: r, level: level,
		rest:  ListOptions{Prefix: prefix, Limit: r.PageSize, Metadata: true},
		never: r.Traits.NoStartAt || r.Traits.Unsorted}}
	if seek > 0 && !r.Traits.NoStartAt {
		l.pages.rest.StartAt = r.Keys.Seek(level, seek)
	}
	it := backend.NewPageIterator(ctx, l.page, backend.PageOptions{
		Seek:     seek,
		Unsorted: r.Traits.Unsorted,
		Wrap:     func(err error) error { return r.wrap("list", prefix, flow.Ended(ctx, err)) },
		Logger:   c.log.Get(),
		Close:    func() error { l.pages.wait.Wait(); return nil },
	})
	return op.Listing(it), nil
}

// listing is one call of LTXFiles.
type listing struct {
	*replica
	level    int
	seek     ltx.TXID
	metadata bool
	pages    guesser
}

// page is an backend.PageFunc.
func (l *listing) page(ctx context.Context) ([]ltx.FileInfo, bool, error) {
	page, err := l.pages.next(ctx)
	if err != nil {
		return nil, false, err
	}
	found := make([]listed, 0, len(page.Objects))
	for _, o := range page.Objects {
		level, minTXID, maxTXID, ok := l.Keys.Parse(o.Key)
		if !ok || level != l.level || minTXID < l.seek {
			continue
		}
		found = append(found, listed{Object: o, info: ltx.FileInfo{
			Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: o.Size, CreatedAt: o.Modified.UTC()}})
	}
	if err := l.complete(ctx, found, l.metadata); err != nil {
		return nil, false, err
	}
	files := make([]ltx.FileInfo, 0, len(found))
	for _, f := range found {
		if !f.gone {
			files = append(files, f.info)
		}
	}
	return files, page.Next != "", nil
}

// pager lists what is right below a prefix, page by page.
type pager struct {
	*replica
	opts  ListOptions
	pages flow.Pages
}

// next asks for the next page.
func (p *pager) next(ctx context.Context) (page Page, err error) {
	page, err = p.list(ctx, p.opts)
	if err != nil || page.Next == "" {
		return page, err
	}
	if err := p.pages.Add(page.Next, keysOf(page)); err != nil {
		return Page{}, err
	}
	p.opts.Token = page.Next
	return page, nil
}
