package backend_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// lister is a paged listing that checks the promises made to a PageFunc.
// Tests run it in a synctest bubble, which fails if a goroutine is left.
type lister struct {
	t       *testing.T
	pages   [][]ltx.FileInfo
	failAt  int // the fetch (from 1) that fails; 0: none
	failure error
	block   bool // every fetch but the first blocks until ctx ends

	fetched int
	busy    bool
	over    bool
}

func (l *lister) fetch(ctx context.Context) ([]ltx.FileInfo, bool, error) {
	assert.False(l.t, l.busy, "calls overlap")
	assert.False(l.t, l.over, "a call follows an error or the last page")
	l.busy = true
	defer func() { l.busy = false }()
	l.fetched++
	if l.block && l.fetched > 1 {
		<-ctx.Done()
		l.over = true
		return nil, false, ctx.Err()
	}
	if l.fetched == l.failAt {
		l.over = true
		return nil, false, l.failure
	}
	if len(l.pages) == 0 {
		l.over = true
		return nil, false, nil
	}
	l.over = l.fetched == len(l.pages)
	return slices.Clone(l.pages[l.fetched-1]), !l.over, nil
}

// listed is a file with these TXIDs and content.
func listed(lo, hi ltx.TXID) ltx.FileInfo {
	return ltx.FileInfo{Level: 2, MinTXID: lo, MaxTXID: hi, Size: 100}
}

// ones are files of one transaction each.
func ones(ids ...ltx.TXID) (files []ltx.FileInfo) {
	for _, id := range ids {
		files = append(files, listed(id, id))
	}
	return files
}

// drain returns the MinTXIDs of what is left.
func drain(it ltx.FileIterator) (ids []ltx.TXID) {
	for it.Next() {
		ids = append(ids, it.Item().MinTXID)
	}
	return ids
}

// bubble runs a test in synctest.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func TestPageIterator(t *testing.T) {
	for name, tt := range map[string]struct {
		pages [][]ltx.FileInfo
		opts  backend.PageOptions
		want  []ltx.TXID
		err   string
	}{
		"nothing":               {},
		"one empty page":        {pages: [][]ltx.FileInfo{nil}},
		"one page":              {pages: [][]ltx.FileInfo{ones(1, 2, 3)}, want: []ltx.TXID{1, 2, 3}},
		"several pages":         {pages: [][]ltx.FileInfo{ones(1, 2), ones(3), ones(4, 5)}, want: []ltx.TXID{1, 2, 3, 4, 5}},
		"empty pages between":   {pages: [][]ltx.FileInfo{nil, ones(1), nil, nil, ones(2), nil}, want: []ltx.TXID{1, 2}},
		"only empty pages":      {pages: [][]ltx.FileInfo{nil, nil, nil}},
		"twice on one page":     {pages: [][]ltx.FileInfo{ones(1, 1, 2, 2, 2)}, want: []ltx.TXID{1, 2}},
		"twice over two pages":  {pages: [][]ltx.FileInfo{ones(1, 2), ones(2, 3), ones(3), ones(3, 4)}, want: []ltx.TXID{1, 2, 3, 4}},
		"seek":                  {pages: [][]ltx.FileInfo{ones(1, 2), ones(3, 4)}, opts: backend.PageOptions{Seek: 3}, want: []ltx.TXID{3, 4}},
		"seek past all":         {pages: [][]ltx.FileInfo{ones(1, 2), ones(3, 4)}, opts: backend.PageOptions{Seek: 5}},
		"seek inside a file":    {pages: [][]ltx.FileInfo{{listed(1, 10), listed(5, 6)}}, opts: backend.PageOptions{Seek: 5}, want: []ltx.TXID{5}},
		"declared unsorted":     {pages: [][]ltx.FileInfo{ones(5, 1), ones(3), ones(4, 2)}, opts: backend.PageOptions{Unsorted: true}, want: []ltx.TXID{1, 2, 3, 4, 5}},
		"unsorted first page":   {pages: [][]ltx.FileInfo{ones(5, 1), ones(3), ones(4, 2)}, want: []ltx.TXID{1, 2, 3, 4, 5}},
		"unsorted only page":    {pages: [][]ltx.FileInfo{ones(5, 1, 3)}, want: []ltx.TXID{1, 3, 5}},
		"unsorted with doubles": {pages: [][]ltx.FileInfo{ones(5, 1, 5), ones(1, 3)}, want: []ltx.TXID{1, 3, 5}},
		"unsorted later, still in time": {pages: [][]ltx.FileInfo{ones(1, 2), ones(6, 4), ones(3), ones(5)},
			want: []ltx.TXID{1, 2, 3, 4, 5, 6}},
		"unsorted later, with a double of the last": {pages: [][]ltx.FileInfo{ones(1, 2), ones(6, 4), ones(2)},
			want: []ltx.TXID{1, 2, 4, 6}},
		"unsorted too late": {pages: [][]ltx.FileInfo{ones(1), ones(3), ones(2)}, want: []ltx.TXID{1, 3},
			err: "wrapped: listing is not sorted: 0000000000000002-0000000000000002.ltx comes after 0000000000000003-0000000000000003.ltx"},
		"unsorted too late, seen in a page": {pages: [][]ltx.FileInfo{ones(1, 4), ones(6, 5), ones(2)}, want: []ltx.TXID{1, 4},
			err: "wrapped: listing is not sorted: 0000000000000002-0000000000000002.ltx comes after 0000000000000004-0000000000000004.ltx"},
		"unsorted among what seek drops": {pages: [][]ltx.FileInfo{ones(2, 1, 5), ones(3, 6)}, opts: backend.PageOptions{Seek: 5}, want: []ltx.TXID{5, 6}},
	} {
		for _, ahead := range []int{0, 1, 2, 5} {
			bubble(t, fmt.Sprintf("%s/ahead %d", name, ahead), func(t *testing.T) {
				l := &lister{t: t, pages: tt.pages}
				tt.opts.Ahead = ahead
				tt.opts.Wrap = func(err error) error { return fmt.Errorf("wrapped: %w", err) }
				it := backend.NewPageIterator(t.Context(), l.fetch, tt.opts)
				assert.Equal(t, tt.want, drain(it))
				for range 2 {
					assert.False(t, it.Next())
					assert.Nil(t, it.Item())
				}
				if tt.err == "" {
					assert.NoError(t, it.Err())
					assert.NoError(t, it.Close())
					assert.Equal(t, max(len(tt.pages), 1), l.fetched)
				} else {
					assert.EqualError(t, it.Err(), tt.err)
					assert.EqualError(t, it.Close(), tt.err)
				}
			})
		}
	}
}

// Files that begin alike are sorted by where they end; all of both are kept.
func TestPageIteratorOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lister{t: t, pages: [][]ltx.FileInfo{{listed(1, 9), listed(1, 2)}, {listed(1, 2), listed(2, 3), listed(1, 3)}}}
		it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		var got []ltx.FileInfo
		for it.Next() {
			got = append(got, *it.Item())
		}
		require.NoError(t, it.Close())
		assert.Equal(t, []ltx.FileInfo{listed(1, 2), listed(1, 3), listed(1, 9), listed(2, 3)}, got)
	})
}

// Whatever the pages are cut to and mixed within what is legal, the outcome
// is that of sorting it all.
func TestPageIteratorRandom(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var all []ltx.FileInfo
		for range rng.IntN(40) {
			lo := ltx.TXID(rng.IntN(30))
			all = append(all, listed(lo, lo+ltx.TXID(rng.IntN(3))))
		}
		opts := backend.PageOptions{Seek: ltx.TXID(rng.IntN(10)), Ahead: rng.IntN(4), Unsorted: rng.IntN(2) == 0}
		byTXID := func(a, b ltx.FileInfo) int {
			return slices.Compare([]ltx.TXID{a.MinTXID, a.MaxTXID}, []ltx.TXID{b.MinTXID, b.MaxTXID})
		}
		if !opts.Unsorted {
			slices.SortFunc(all, byTXID)
		}
		l := &lister{t: t}
		for rest := all; len(rest) > 0; {
			n := min(rng.IntN(6), len(rest))
			l.pages, rest = append(l.pages, rest[:n]), rest[n:]
		}
		var want []ltx.FileInfo
		for _, f := range all {
			if f.MinTXID >= opts.Seek {
				want = append(want, f)
			}
		}
		slices.SortFunc(want, byTXID)
		want = slices.Compact(want)

		synctest.Test(t, func(t *testing.T) {
			l.t = t
			it := backend.NewPageIterator(t.Context(), l.fetch, opts)
			var got []ltx.FileInfo
			for it.Next() {
				got = append(got, *it.Item())
			}
			require.NoError(t, it.Close())
			require.Equal(t, want, got, "seed %d", seed)
		})
	}
}

func TestPageIteratorError(t *testing.T) {
	failure := errors.New("503")
	for failAt, want := range map[int][]ltx.TXID{1: nil, 2: {1, 2}, 4: {1, 2, 3, 4, 5, 6}} {
		for _, unsorted := range []bool{false, true} {
			bubble(t, fmt.Sprintf("fetch %d unsorted %v", failAt, unsorted), func(t *testing.T) {
				l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2), ones(3, 4), ones(5, 6), ones(7, 8)}, failAt: failAt, failure: failure}
				wraps := 0
				it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{Unsorted: unsorted, Wrap: func(err error) error {
					wraps++
					return &ltxstore.Error{Op: "list", Backend: "fake", Err: err}
				}})
				if unsorted {
					want = nil // nothing is known to be the first
				}
				assert.Equal(t, want, drain(it))
				assert.ErrorIs(t, it.Err(), failure)
				assert.EqualError(t, it.Close(), "fake: list: 503")
				assert.Equal(t, it.Err(), it.Close(), "the error stays")
				assert.False(t, it.Next())
				assert.Nil(t, it.Item())
				assert.Equal(t, 1, wraps)
				assert.Equal(t, failAt, l.fetched)
			})
		}
	}
}

func TestPageIteratorErrorUnwrapped(t *testing.T) {
	failure := errors.New("503")
	l := &lister{t: t, failAt: 1, failure: failure}
	it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
	assert.False(t, it.Next())
	assert.Equal(t, failure, it.Err())
}

// An error in what was fetched ahead must not hide the items before it, nor
// be told by a Close that comes before the caller would have met it.
func TestPageIteratorErrorAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2), nil}, failAt: 2, failure: errors.New("503")}
		it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		require.True(t, it.Next())
		require.True(t, it.Next())
		synctest.Wait()
		assert.Equal(t, 2, l.fetched)
		assert.NoError(t, it.Err())
		assert.NoError(t, it.Close())
	})
}

func TestPageIteratorIsLazyAndBounded(t *testing.T) {
	for ahead, bound := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2, 5: 5} {
		bubble(t, fmt.Sprint(ahead), func(t *testing.T) {
			l := &lister{t: t}
			for i := range 50 {
				l.pages = append(l.pages, ones(ltx.TXID(2*i), ltx.TXID(2*i+1)))
			}
			it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{Ahead: ahead})
			synctest.Wait()
			assert.Zero(t, l.fetched, "nothing is fetched before the first Next")
			for page := 1; page <= 20; page++ {
				for item := range 2 {
					require.True(t, it.Next())
					synctest.Wait()
					want := page + bound
					if page == 1 && item == 0 {
						want = 1 // a caller that wants one file pays for one page
					}
					require.Equal(t, want, l.fetched)
				}
			}
			require.NoError(t, it.Close())
			assert.Equal(t, 20+bound, l.fetched, "nothing is fetched after Close")
		})
	}
}

// prefetchers counts the goroutines that fetch ahead.
func prefetchers() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "backend.prefetch(")
}

func TestPageIteratorGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := backend.NewPageIterator(t.Context(), (&lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2)}}).fetch, backend.PageOptions{})
		require.True(t, one.Next())
		assert.Zero(t, prefetchers(), "one page needs no goroutine")
		require.NoError(t, one.Close())

		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1), ones(2), ones(3), ones(4), ones(5), ones(6)}}
		many := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{Ahead: 3})
		require.True(t, many.Next())
		assert.Zero(t, prefetchers(), "one file needs no goroutine")
		require.True(t, many.Next())
		synctest.Wait()
		assert.Equal(t, 1, prefetchers(), "one, however many pages")
		require.NoError(t, many.Close())
		synctest.Wait() // for its last instruction
		assert.Zero(t, prefetchers(), "it ends with Close")

		l = &lister{t: t, pages: [][]ltx.FileInfo{ones(1), ones(2), ones(3)}}
		whole := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		assert.Len(t, drain(whole), 3)
		synctest.Wait()
		assert.Zero(t, prefetchers(), "it ends with the listing, without Close")
	})
}

func TestPageIteratorClose(t *testing.T) {
	bubble(t, "before the first Next", func(t *testing.T) {
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1)}}
		it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		assert.Nil(t, it.Item())
		require.NoError(t, it.Close())
		assert.False(t, it.Next())
		assert.Nil(t, it.Item())
		assert.NoError(t, it.Err(), "closing early is no error")
		require.NoError(t, it.Close())
		assert.Zero(t, l.fetched)
	})
	bubble(t, "in the middle", func(t *testing.T) {
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2), ones(3), ones(4)}}
		it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		require.True(t, it.Next())
		require.NoError(t, it.Close())
		assert.False(t, it.Next())
		assert.Nil(t, it.Item())
		assert.NoError(t, it.Err())
	})
	bubble(t, "while a fetch ahead is blocked", func(t *testing.T) {
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2), ones(3)}, block: true}
		it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		require.True(t, it.Next())
		require.True(t, it.Next())
		synctest.Wait()
		require.NoError(t, it.Close())
	})
}

func TestPageIteratorContext(t *testing.T) {
	cause := errors.New("shutting down")
	wrap := func(err error) error { return &ltxstore.Error{Op: "list", Backend: "fake", Err: err} }
	check := func(t *testing.T, it ltx.FileIterator) {
		t.Helper()
		assert.False(t, it.Next())
		assert.Nil(t, it.Item())
		assert.ErrorIs(t, it.Err(), context.Canceled)
		assert.ErrorIs(t, it.Err(), cause)
		var own *ltxstore.Error
		assert.ErrorAs(t, it.Err(), &own)
		assert.Equal(t, it.Err(), it.Close())
	}
	bubble(t, "before", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1)}}
		check(t, backend.NewPageIterator(ctx, l.fetch, backend.PageOptions{Wrap: wrap}))
		assert.Zero(t, l.fetched)
	})
	bubble(t, "between two items of a page", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2, 3)}}
		it := backend.NewPageIterator(ctx, l.fetch, backend.PageOptions{Wrap: wrap})
		require.True(t, it.Next())
		cancel(cause)
		check(t, it)
	})
	for _, unsorted := range []bool{false, true} {
		bubble(t, fmt.Sprintf("while a page is awaited, unsorted %v", unsorted), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1), ones(2)}, block: true}
			it := backend.NewPageIterator(ctx, l.fetch, backend.PageOptions{Wrap: wrap, Unsorted: unsorted})
			if !unsorted {
				require.True(t, it.Next())
			}
			go func() {
				synctest.Wait()
				cancel(cause)
			}()
			assert.False(t, it.Next())
			assert.ErrorIs(t, it.Err(), context.Canceled)
			check(t, it)
		})
	}
	bubble(t, "after the end", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1)}}
		it := backend.NewPageIterator(ctx, l.fetch, backend.PageOptions{})
		assert.Len(t, drain(it), 1)
		cancel(cause)
		assert.False(t, it.Next())
		assert.NoError(t, it.Close(), "what is complete stays complete")
	})
}

func TestPageIteratorItemsAreValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2), ones(2, 3)}}
		it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{})
		var items []*ltx.FileInfo
		for it.Next() {
			item := it.Item()
			assert.Same(t, item, it.Item(), "the same until Next")
			item.Level = 77 // the caller's to change
			items = append(items, item)
		}
		require.NoError(t, it.Close())
		require.Len(t, items, 3, "a changed item does not disturb the order")
		for i, item := range items {
			assert.Equal(t, ltx.TXID(i+1), item.MinTXID)
		}
	})
}

func TestPageIteratorZeroBytes(t *testing.T) {
	torn := listed(2, 2)
	torn.Size = 0
	for name, pages := range map[string][][]ltx.FileInfo{
		"one page":  {{listed(1, 1), torn, listed(3, 3)}},
		"own page":  {ones(1), {torn}, ones(3)},
		"unsorted":  {{listed(3, 3), torn, listed(1, 1)}},
		"last page": {ones(1, 3), {torn}},
	} {
		bubble(t, name, func(t *testing.T) {
			var log bytes.Buffer
			it := backend.NewPageIterator(t.Context(), (&lister{t: t, pages: pages}).fetch, backend.PageOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			assert.Equal(t, []ltx.TXID{1, 3}, drain(it))
			require.NoError(t, it.Close())
			assert.Equal(t, 1, strings.Count(log.String(), "\n"))
			assert.Contains(t, log.String(), "level=WARN")
			assert.Contains(t, log.String(), "level=2 minTXID=0000000000000002 maxTXID=0000000000000002")

			it = backend.NewPageIterator(t.Context(), (&lister{t: t, pages: pages}).fetch, backend.PageOptions{})
			assert.Equal(t, []ltx.TXID{1, 3}, drain(it), "without a logger")
			require.NoError(t, it.Close())
		})
	}
}

// A PageFunc that breaks its promise must not make the iterator hang.
func TestPageIteratorFetchAfterContextError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		it := backend.NewPageIterator(t.Context(), func(context.Context) ([]ltx.FileInfo, bool, error) {
			if calls++; calls == 2 {
				return ones(9), true, errors.New("both an error and more")
			}
			return ones(ltx.TXID(calls)), true, nil
		}, backend.PageOptions{Ahead: 4})
		assert.Equal(t, []ltx.TXID{1}, drain(it))
		assert.EqualError(t, it.Close(), "both an error and more")
		assert.Equal(t, 2, calls)
	})
}

// A page that panics while it is fetched ahead does so in the caller's Next.
func TestPageIteratorPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		itr := backend.NewPageIterator(t.Context(), func(context.Context) ([]ltx.FileInfo, bool, error) {
			if fetched++; fetched == 3 {
				panic("mine")
			}
			return []ltx.FileInfo{{MinTXID: ltx.TXID(fetched), MaxTXID: ltx.TXID(fetched), Size: 1}}, true, nil
		}, backend.PageOptions{})
		require.True(t, itr.Next())
		require.True(t, itr.Next())
		require.PanicsWithValue(t, "mine", func() { itr.Next() })
		require.NoError(t, itr.Close())
		require.False(t, itr.Next())
	})
}

func TestPageIteratorOfNoFunction(t *testing.T) {
	files := backend.NewPageIterator(t.Context(), nil, backend.PageOptions{})
	assert.False(t, files.Next())
	err := files.Close()
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "fetch is <nil>: want ")
}

// Close is called once, however the listing ends, when no fetch runs any more. Its error is
// that of a listing that has no other.
func TestPageIteratorCallsClose(t *testing.T) {
	failed := errors.New("not closed")
	for name, tt := range map[string]struct {
		end   func(it ltx.FileIterator)
		fetch error // of the second page
		err   error // of Close
		want  error
	}{
		"at the end":          {end: func(it ltx.FileIterator) { drain(it) }},
		"at the end, failed":  {end: func(it ltx.FileIterator) { drain(it) }, err: failed, want: failed},
		"early, failed":       {end: func(it ltx.FileIterator) { it.Next() }, err: failed, want: failed},
		"unread, failed":      {end: func(ltx.FileIterator) {}, err: failed, want: failed},
		"early, canceled":     {end: func(it ltx.FileIterator) { it.Next() }, err: context.Canceled},
		"after another error": {end: func(it ltx.FileIterator) { drain(it) }, fetch: io.ErrUnexpectedEOF, err: failed, want: io.ErrUnexpectedEOF},
	} {
		bubble(t, name, func(t *testing.T) {
			l := &lister{t: t, pages: [][]ltx.FileInfo{ones(1, 2), ones(3), ones(4)}, failAt: 2, failure: tt.fetch}
			if tt.fetch == nil {
				l.failAt = 0
			}
			closed := 0
			it := backend.NewPageIterator(t.Context(), l.fetch, backend.PageOptions{
				Wrap: func(err error) error { return fmt.Errorf("wrapped: %w", err) },
				Close: func() error {
					closed++
					assert.False(t, l.busy, "a fetch runs")
					l.over = true // no call may follow
					return tt.err
				},
			})
			tt.end(it)
			for range 2 {
				err := it.Close()
				if tt.want == nil {
					assert.NoError(t, err)
				} else {
					assert.ErrorIs(t, err, tt.want)
					assert.ErrorContains(t, err, "wrapped: ")
				}
			}
			assert.Equal(t, 1, closed)
		})
	}
}
