package codec

import (
	"context"
	"errors"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// The first page is small, so that a listing which is closed early has looked
// little up; each further one is twice as large, so that a long one waits
// seldom.
const (
	firstPage = 8
	lastPage  = 1024
)

// Listing turns the next client's listing, of the files as they are stored, into
// one of the files as they were written.
type Listing struct {
	Next        ltxstore.ReplicaClient
	Level       int
	Seek        ltx.TXID
	Concurrency int // how many calls of Look run at once

	// Known completes a file without a request, if it can.
	Known func(*ltx.FileInfo) bool

	// Look completes a file at the cost of requests. One that is missing has
	// been deleted since it was listed, and is left out.
	Look func(context.Context, *ltx.FileInfo) error
}

// Files lists, in pages, each of which is completed ahead of the caller as
// backend.NewPageIterator does. Timestamps are not asked for: a wrapper that
// wants them reads them from the files themselves.
func (l Listing) Files(ctx context.Context) (ltx.FileIterator, error) {
	ctx, cancel := context.WithCancel(ctx)
	stored, err := l.Next.LTXFiles(ctx, l.Level, l.Seek, false)
	if err != nil {
		cancel()
		return nil, err
	}
	p := &pages{Listing: l, stored: stored, size: firstPage}
	return &iterator{
		FileIterator: backend.NewPageIterator(ctx, p.page, backend.PageOptions{
			Seek: l.Seek,
			Wrap: func(err error) error { return WrapCall(l.Next, "list", err) },
		}),
		stored: stored,
		cancel: cancel,
	}, nil
}

// pages cuts a listing into pages.
type pages struct {
	Listing
	stored ltx.FileIterator
	size   int
}

// page is an backend.PageFunc.
func (p *pages) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	for len(files) < p.size && p.stored.Next() {
		files = append(files, *p.stored.Item())
	}
	if err := p.stored.Err(); err != nil {
		return nil, false, err
	}
	more = len(files) == p.size // one more page, even if it turns out empty
	p.size = min(2*p.size, lastPage)
	files, err = p.complete(ctx, files)
	return files, more, err
}

// complete looks up what is not known of the files.
func (p *pages) complete(ctx context.Context, files []ltx.FileInfo) ([]ltx.FileInfo, error) {
	var unknown []int
	for i := range files {
		if !p.Known(&files[i]) {
			unknown = append(unknown, i)
		}
	}
	gone := make([]bool, len(files))
	err := flow.All(ctx, len(unknown), p.Concurrency, func(ctx context.Context, i int) error {
		at := unknown[i]
		err := p.Look(ctx, &files[at])
		if gone[at] = IsMissing(err); gone[at] {
			return nil
		}
		return err
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

// iterator closes the next client's listing too.
type iterator struct {
	ltx.FileIterator
	stored ltx.FileIterator
	cancel context.CancelFunc
}

// Close implements io.Closer. What runs ahead ends before the next client's
// iterator, which belongs to one goroutine at a time, is closed.
func (it *iterator) Close() error {
	it.cancel()
	err := it.FileIterator.Close()
	if closeErr := it.stored.Close(); err == nil && !errors.Is(closeErr, context.Canceled) {
		return closeErr
	}
	return err
}
