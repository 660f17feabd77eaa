package object

import (
	"context"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// LTXFiles implements ltxstore.ReplicaClient. It costs one request for each page from
// seek on, and at least one; each deeper prefix below the level counts as one file.
// The next page is fetched in advance. In a level of more than five pages, up to
// sixteen more are fetched from where they are expected to start, which may cost up to
// two requests plus a fifth more than there are pages. If the store cannot start at a
// given key, or does not sort, the level is listed from its start; if it does not
// sort, the level is in memory before the first item.
//
// CreatedAt is the timestamp in the object's metadata, if the listing contains it, and
// otherwise the time at which the object was stored. With useMetadata, a file whose
// timestamp is not in the listing costs one request for its properties, if these may
// contain more, and one for its first 100 bytes if they do not. At most
// Store.MetadataConcurrency of these requests are sent at a time, a page ahead of the
// caller. A file that is deleted in the meantime is left out; one with the LTX magic
// but no valid header ends the listing with ErrChecksum (clause T3). If a listing has
// files without size or time, each of these costs such a request too.
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

// page is a backend.PageFunc.
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

// pager lists the entries directly below a prefix, page by page.
type pager struct {
	*replica
	opts  ListOptions
	pages flow.Pages
}

// next requests the next page.
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
