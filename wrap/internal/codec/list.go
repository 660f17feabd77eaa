package codec

import (
	"context"
	"errors"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// list returns the next client's listing with the files as they were written, in pages that
// are read ahead by backend.NewPageIterator. It lists without metadata, because a format that
// has times reads them from the stored files.
func list(ctx context.Context, next ltxstore.ReplicaClient, format Format, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	concurrency, err := format.Concurrency(metadata)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stored, err := next.LTXFiles(ctx, level, seek, false)
	if err != nil {
		cancel()
		return nil, err
	}
	wrap := func(err error) error { return layer.Wrap(next, "list", "", err) }
	p := &pages{Format: format, metadata: metadata, concurrency: concurrency, stored: stored, size: layer.NextPage(0),
		wrap: func(f layer.File, err error) error { return layer.WrapFile(next, "list", f, err) }}
	return &iterator{
		FileIterator: backend.NewPageIterator(ctx, p.page, backend.PageOptions{Seek: seek, Wrap: wrap}),
		stored:       stored,
		cancel:       cancel,
	}, nil
}

// pages divides a listing into pages.
type pages struct {
	Format
	metadata    bool
	concurrency int
	wrap        func(layer.File, error) error
	stored      ltx.FileIterator
	size        int
}

// page is a backend.PageFunc.
func (p *pages) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
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
		return p.wrap(layer.FileOf(&files[at]), err)
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

// iterator also closes the next client's listing.
type iterator struct {
	ltx.FileIterator
	stored ltx.FileIterator
	cancel context.CancelFunc
}

// Close implements io.Closer. The goroutine that lists ahead ends before the next client's
// iterator is closed, which is for one goroutine at a time.
func (it *iterator) Close() error {
	it.cancel()
	err := it.FileIterator.Close()
	if closeErr := it.stored.Close(); err == nil && !errors.Is(closeErr, context.Canceled) {
		return closeErr
	}
	return err
}
