package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// PageFunc fetches the next page of a listing: each call continues where the previous
// one ended. more is false for the last page, which may have files; a page without files
// may be followed by others. The slice belongs to the iterator. Calls may come from
// different goroutines but never overlap, and none follows an error or the last page.
//
// A PageFunc must return soon after ctx has ended: Close waits for it.
type PageFunc func(ctx context.Context) (files []ltx.FileInfo, more bool, err error)

// PageOptions are the settings of NewPageIterator. The zero value lists a
// sorted store from the beginning.
type PageOptions struct {
	// Seek drops files with a lower MinTXID. The store should already have been
	// asked to start there.
	Seek ltx.TXID

	// Ahead is how many pages are fetched while the caller works on one. 0
	// means 1. A page fetched ahead is kept in memory.
	Ahead int

	// Unsorted means that the store does not sort its listings. The whole listing
	// is then read before the first item.
	Unsorted bool

	// Wrap, if not nil, turns a failure into the backend's *ltxstore.Error.
	Wrap func(error) error

	// Close, if not nil, releases what fetch has opened, such as another listing. It
	// is called once, after the listing has ended in any way, the context of fetch
	// has ended, and no call of fetch is running. Its error becomes that of the
	// listing if there is no other, unless it is context.Canceled.
	Close func() error
	// Logger, if not nil, logs the zero-byte files that are skipped.
	Logger *slog.Logger
}

// NewPageIterator returns an iterator for LTXFiles over a paged listing. It keeps
// clauses L1, L3 to L6, C2 and C3 for every backend:
//
//   - Items are sorted and distinct. If a store turns out not to sort although
//     PageOptions.Unsorted is false, the rest of the listing is read and sorted; if a
//     file then belongs before one that was already returned, the iteration ends with
//     an error.
//   - Nothing is fetched before the first Next, and no second page before the second. A
//     listing of one page starts no goroutine; a longer one has a single goroutine, which
//     fetches at most Ahead pages ahead and ends with the listing, ctx or Close.
//   - Files of Size 0 are skipped, and reported to the function of ltxstore.WithTorn.
//   - A panic of fetch is repeated by Next.
//   - If fetch is nil, the iteration ends immediately with fs.ErrInvalid.
func NewPageIterator(ctx context.Context, fetch PageFunc, opts PageOptions) ltx.FileIterator {
	if opts.Wrap == nil {
		opts.Wrap = func(err error) error { return err }
	}
	if fetch == nil {
		fetch = func(context.Context) ([]ltx.FileInfo, bool, error) {
			return nil, false, Invalid("ltxstore", "list", "fetch", nil, "want a function that fetches pages")
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	return &pageIterator{ctx: ctx, cancel: cancel, fetch: fetch, opts: opts, more: true}
}

type pageIterator struct {
	ctx    context.Context
	cancel context.CancelFunc
	fetch  PageFunc
	opts   PageOptions

	files []ltx.FileInfo // the current page from the next item on
	last  ltx.FileInfo   // the current item
	begun bool           // last is set
	item  *ltx.FileInfo  // the result of Item for last
	more  bool           // the store has further pages, as far as is known
	pages chan page      // filled by prefetch; nil until it runs

	panicked flow.Panic // of prefetch

	err   error
	ended bool // after the last item, an error or Close
}

type page struct {
	files []ltx.FileInfo
	more  bool
	err   error
}

func (it *pageIterator) Next() bool {
	it.item = nil
	for !it.ended {
		if err := flow.Err(it.ctx); err != nil {
			return it.fail(err)
		}
		if it.begun {
			it.fetchAhead()
		}
		if len(it.files) > 0 {
			it.last, it.files, it.begun = it.files[0], it.files[1:], true
			return true
		}
		if !it.more {
			it.stop()
			return false
		}
		if err := it.load(); err != nil {
			return it.fail(err)
		}
	}
	return false
}

func (it *pageIterator) Item() *ltx.FileInfo {
	if it.ended || !it.begun {
		return nil
	}
	if it.item == nil {
		item := it.last
		it.item = &item
	}
	return it.item
}

func (it *pageIterator) Err() error { return it.err }

func (it *pageIterator) Close() error {
	it.stop()
	return it.err
}

func (it *pageIterator) fail(err error) bool {
	it.err = it.opts.Wrap(err)
	it.stop()
	return false
}

// stop ends the iteration and the prefetching goroutine, and waits for it.
func (it *pageIterator) stop() {
	if it.ended {
		return
	}
	it.ended = true
	it.files, it.item = nil, nil
	it.cancel()
	if it.pages != nil {
		for range it.pages {
		}
	}
	if it.opts.Close == nil {
		return
	}
	if err := it.opts.Close(); err != nil && it.err == nil && !errors.Is(err, context.Canceled) {
		it.err = it.opts.Wrap(err)
	}
}

// load replaces the current page with the next one.
func (it *pageIterator) load() error {
	files, err := it.nextPage()
	if err != nil {
		return err
	}
	if it.opts.Unsorted || !it.inOrder(files) {
		if files, err = it.absorb(files); err != nil {
			return err
		}
	}
	it.files = slices.CompactFunc(files, func(a, b ltx.FileInfo) bool { return compareFiles(a, b) == 0 })
	if it.begun && len(it.files) > 0 && compareFiles(it.files[0], it.last) == 0 {
		it.files = it.files[1:]
	}
	return nil
}

// nextPage returns the next page without the files to be skipped.
func (it *pageIterator) nextPage() ([]ltx.FileInfo, error) {
	var p page
	switch {
	case it.pages != nil:
		var ok bool
		select {
		case p, ok = <-it.pages:
			if !ok {
				it.panicked.Rethrow()
				return nil, errors.New("listing continued past its end")
			}
		case <-it.ctx.Done():
			return nil, flow.Err(it.ctx)
		}
	default:
		p.files, p.more, p.err = it.fetch(it.ctx)
	}
	if p.err != nil {
		return nil, p.err
	}
	it.more = p.more
	return slices.DeleteFunc(p.files, it.skip), nil
}

// fetchAhead starts the prefetching goroutine if there is something to fetch.
func (it *pageIterator) fetchAhead() {
	if it.pages != nil || !it.more {
		return
	}
	it.pages = make(chan page, max(it.opts.Ahead, 1)-1)
	go func() {
		defer close(it.pages)
		it.panicked.Do(func() { prefetch(it.ctx, it.fetch, it.pages) })
	}()
}

// prefetch sends pages until the last, an error, or the end of ctx. It holds one page in
// addition to those in the channel's buffer.
func prefetch(ctx context.Context, fetch PageFunc, pages chan<- page) {
	for more := true; more; {
		var p page
		p.files, p.more, p.err = fetch(ctx)
		select {
		case pages <- p:
		case <-ctx.Done():
			return
		}
		more = p.more && p.err == nil
	}
}

func (it *pageIterator) skip(f ltx.FileInfo) bool {
	if f.MinTXID < it.opts.Seek {
		return true
	}
	if f.Size != 0 {
		return false
	}
	ltxio.ReportTorn(it.ctx, f)
	if it.opts.Logger != nil {
		it.opts.Logger.Warn("skipping zero-byte ltx file (a torn upload)",
			"level", f.Level, "minTXID", f.MinTXID, "maxTXID", f.MaxTXID)
	}
	return true
}

// inOrder reports whether files are sorted and come after the last item.
func (it *pageIterator) inOrder(files []ltx.FileInfo) bool {
	if !slices.IsSortedFunc(files, compareFiles) {
		return false
	}
	return !it.begun || len(files) == 0 || compareFiles(it.last, files[0]) <= 0
}

// absorb reads the rest of an unsorted listing and sorts it.
func (it *pageIterator) absorb(files []ltx.FileInfo) ([]ltx.FileInfo, error) {
	it.fetchAhead()
	for it.more {
		rest, err := it.nextPage()
		if err != nil {
			return nil, err
		}
		files = append(files, rest...)
	}
	slices.SortFunc(files, compareFiles)
	if it.begun && compareFiles(files[0], it.last) < 0 {
		return nil, fmt.Errorf("listing is not sorted: %s comes after %s",
			ltx.FormatFilename(files[0].MinTXID, files[0].MaxTXID),
			ltx.FormatFilename(it.last.MinTXID, it.last.MaxTXID))
	}
	return files, nil
}

func compareFiles(a, b ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}
