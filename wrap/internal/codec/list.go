package codec

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// list returns the next client's listing with the files as they were written, in pages that
// are read ahead by backend.NewPageIterator. It lists without metadata, because a format that
// has times reads them from the stored files. The next client's listing begins with the
// first page.
func list(ctx context.Context, next layer.Next, format Format, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	concurrency, err := format.Concurrency(metadata)
	if err != nil {
		return nil, err
	}
	p := &pages{Format: format, next: next, level: level, seek: seek, metadata: metadata, concurrency: concurrency, size: layer.NextPage(0)}
	wrap := func(err error) error { return layer.Wrap(next, "list", "", err) }
	return backend.NewPageIterator(ctx, p.page, backend.PageOptions{Seek: seek, Wrap: wrap, Close: p.close}), nil
}

// pages divides a listing into pages.
type pages struct {
	Format
	next        layer.Next
	level       int
	seek        ltx.TXID
	metadata    bool
	concurrency int
	stored      ltx.FileIterator // nil before the first page
	size        int
}

// page is a backend.PageFunc.
func (p *pages) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	if p.stored == nil {
		if p.stored, err = p.next.List(ctx, p.level, p.seek, false); err != nil {
			return nil, false, err
		}
	}
	for len(files) < p.size && p.stored.Next() {
		files = append(files, *p.stored.Item())
	}
	if err := p.stored.Err(); err != nil {
		return nil, false, err
	}
	more = len(files) == p.size // one more page, even if it turns out empty
	p.size = layer.NextPage(p.size)
	files, err = p.complete(ctx, files)
	return files, more, err
}

// complete changes the files into those that were written. It omits those deleted since.
func (p *pages) complete(ctx context.Context, files []ltx.FileInfo) ([]ltx.FileInfo, error) {
	var unknown []int
	for i := range files {
		if !p.FillKnown(&files[i], p.metadata) {
			unknown = append(unknown, i)
		}
	}
	gone := make([]bool, len(files))
	err := flow.All(ctx, len(unknown), p.concurrency, func(ctx context.Context, i int) error {
		at := unknown[i]
		err := p.FillStored(ctx, &files[at], p.metadata)
		if gone[at] = layer.IsMissing(err); gone[at] {
			return nil
		}
		return layer.WrapFile(p.next, "list", layer.FileOf(&files[at]), err)
	})
	if err != nil {
		return nil, flow.Ended(ctx, err)
	}
	kept := files[:0]
	for i, file := range files {
		if !gone[i] {
			kept = append(kept, file)
		}
	}
	return kept, nil
}

func (p *pages) close() error {
	if p.stored == nil {
		return nil
	}
	return p.stored.Close()
}
