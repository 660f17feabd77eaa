package cache

import (
	"context"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// LTXFiles costs no request while a listing from seek or before is kept. Otherwise it
// lists the store. Concurrent listings from the same seek share that listing, which is
// kept once one of them reads it to its end. CreatedAt of a file that this client has
// written since is what the write returned. With useMetadata it calls the next client.
func (c *Client) LTXFiles(ctx context.Context, n int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	s, err := layer.Begin(ctx, c.base, "list", backend.CheckLevel(n))
	if err != nil {
		return nil, err
	}
	if useMetadata || s.cfg.Only == OnlyBlocks {
		return c.next.LTXFiles(ctx, n, seek, useMetadata)
	}
	opts := backend.PageOptions{Seek: seek, Wrap: func(err error) error { return layer.Wrap(c.next, "list", "", err) }}
	if files, ok := s.listings.get(n, seek); ok {
		s.counters.listHits.Add(1)
		return backend.NewPageIterator(ctx, pagesOf(files), opts), nil
	}
	sh, joined := s.listings.join(ctx, n, seek)
	if joined {
		s.counters.listShared.Add(1)
	} else {
		s.counters.listMisses.Add(1)
	}
	r := &reader{shared: sh, next: c.next, seen: s.blocks.seen}
	opts.Close = r.leave
	return backend.NewPageIterator(ctx, r.page, opts), nil
}

// keptPage is the number of files in a page of a kept listing.
const keptPage = 1024

// pagesOf returns the pages of files, which it does not change.
func pagesOf(files []ltx.FileInfo) backend.PageFunc {
	return func(context.Context) (page []ltx.FileInfo, more bool, err error) {
		n := min(len(files), keptPage)
		page, files = slices.Clone(files[:n]), files[n:]
		return page, len(files) > 0, nil
	}
}
