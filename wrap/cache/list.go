package cache

import (
	"context"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// List implements layer.Operations.
func (s *state) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if useMetadata || s.cfg.Only == OnlyBlocks {
		return s.Next.List(ctx, level, seek, useMetadata)
	}
	if files, ok := s.listings.get(level, seek); ok {
		s.counters.listHits.Add(1)
		wrap := func(err error) error { return layer.Wrap(s.Next, "list", "", err) }
		return backend.NewPageIterator(ctx, pagesOf(files), backend.PageOptions{Seek: seek, Wrap: wrap}), nil
	}
	s.counters.listMisses.Add(1)
	r := s.listings.record(level, seek)
	var err error
	r.FileIterator, err = s.Next.List(ltxstore.WithTorn(ctx, r.tear), level, seek, false)
	if err != nil {
		return nil, err
	}
	return r, nil
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

// recorder is a listing of the store that is kept if it is read to its end.
type recorder struct {
	ltx.FileIterator
	listings *listings
	n        int // the level
	level    *level
	*listing
	tooLong bool
	atEnd   bool
}

// Next implements ltx.FileIterator.
func (r *recorder) Next() bool {
	if r.FileIterator.Next() {
		r.add(*r.Item())
		return true
	}
	r.atEnd = true
	return false
}

// Close implements ltx.FileIterator.
func (r *recorder) Close() error {
	err := r.FileIterator.Close()
	if r.atEnd && err == nil && r.Err() == nil {
		r.keep()
	}
	return err
}

// tear adds a zero-byte file that the store's listing omits. It is kept among the files,
// of which backend.NewPageIterator reports it, and omits it again.
func (r *recorder) tear(file ltx.FileInfo) {
	file.Size = 0
	r.add(file)
}
