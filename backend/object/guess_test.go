package object_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// far is a bucket that lists, 20 ms away.
type far struct {
	object.Bucket // nil: nothing else is asked for
	keys          []string
	page          int
	fails         func(opts object.ListOptions) error
	deaf          bool // to StartAt

	requests, running, most atomic.Int64
}

func (f *far) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	f.requests.Add(1)
	if now := f.running.Add(1); now > f.most.Load() {
		f.most.Store(now)
	}
	defer f.running.Add(-1)
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
		return page, ctx.Err()
	}
	if f.fails != nil {
		if err := f.fails(opts); err != nil {
			return page, err
		}
	}
	from := 0
	if !f.deaf {
		from, _ = slices.BinarySearch(f.keys, opts.StartAt)
	}
	if opts.Token != "" {
		from, _ = slices.BinarySearch(f.keys, opts.Token+"\x00")
	}
	to := min(from+f.page, len(f.keys))
	for _, key := range f.keys[from:to] {
		page.Objects = append(page.Objects, object.Object{Key: key, Size: 1, Modified: time.Unix(1, 0)})
	}
	if to < len(f.keys) {
		page.Next = f.keys[to-1]
	}
	return page, nil
}

func (*far) Classify(err error) object.Failure {
	return object.Failure{Kind: ltxstore.KindOf(err), Size: -1}
}

var farKeys = must(backend.NewKeys(ltxstore.LayoutDefault, "db"))

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func (f *far) add(level int, minTXID, maxTXID ltx.TXID) {
	f.keys = append(f.keys, farKeys.File(level, minTXID, maxTXID))
}

func (f *far) list(ctx context.Context, seek ltx.TXID, most int) ([]string, error) {
	client := object.New(object.Config{Type: "far", Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
		return &object.Store{Bucket: f, Keys: farKeys}, nil
	}, Retry: ltxstore.Retry{MaxAttempts: 1}, Logger: slog.New(slog.DiscardHandler)})
	files, err := client.LTXFiles(ctx, 0, seek, false)
	if err != nil {
		return nil, err
	}
	var keys []string
	for len(keys) < most && files.Next() {
		info := files.Item()
		keys = append(keys, farKeys.File(info.Level, info.MinTXID, info.MaxTXID))
	}
	return keys, files.Close()
}

const all = 1 << 40

// A long level is listed five times as fast as one page after the other, with
// hardly more requests, and where the files are regular with none that is wrong but
// those behind the end.
func TestLongListing(t *testing.T) {
	for _, width := range []ltx.TXID{1, 30} {
		synctest.Test(t, func(t *testing.T) {
			f := &far{page: 1000}
			for i := range ltx.TXID(100_000) {
				f.add(0, 7+i*width, 7+i*width+width-1)
			}
			start := time.Now()
			keys, err := f.list(t.Context(), 0, all)
			require.NoError(t, err)
			assert.True(t, slices.Equal(f.keys, keys))
			assert.LessOrEqual(t, time.Since(start), 100*20*time.Millisecond/5)
			assert.LessOrEqual(t, f.requests.Load(), int64(100+16))
			assert.LessOrEqual(t, f.most.Load(), int64(1+16))
		})
	}
}

// Whatever the transactions, and wherever it begins, a listing has all files in order,
// for at most a fifth and two more requests than there are pages. So it has where guesses
// fail, or are answered from the beginning.
func TestListingByGuesses(t *testing.T) {
	runs := race.OneOf(3)
	for seed := range uint64(300) {
		if !runs() {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			f := &far{page: 1 + random.IntN(20)}
			gap := []int{1, 2, 50, 1000}[random.IntN(4)]
			for at, n := ltx.TXID(1), random.IntN(100*f.page); n > 0; n-- {
				width := ltx.TXID(random.IntN(gap))
				f.add(0, at, at+width)
				if random.IntN(20) == 0 {
					f.add(0, at, at+width+1) // overlaps
				}
				at += width + 1
				if random.IntN(50) == 0 {
					at += ltx.TXID(random.IntN(1000 * gap))
				}
			}
			var failing string
			switch random.IntN(6) {
			case 0:
				failing = "guesses fail"
				f.fails = func(opts object.ListOptions) error {
					if opts.Token == "" && opts.StartAt != "" {
						return ltxstore.ErrUnavailable
					}
					return nil
				}
			case 1:
				failing, f.deaf = "StartAt is ignored", true
			}
			keys, err := f.list(t.Context(), 0, all)
			require.NoError(t, err, "seed %d", seed)
			require.True(t, slices.Equal(f.keys, keys), "seed %d, %s: %d of %d", seed, failing, len(keys), len(f.keys))
			pages := (len(f.keys) + f.page - 1) / f.page
			require.LessOrEqual(t, f.requests.Load(), int64(pages)*6/5+2, "seed %d, %s: %d pages of %d, %d files", seed, failing, pages, f.page, len(f.keys))

			if f.fails = nil; f.deaf || len(keys) == 0 {
				return
			}
			from := random.IntN(len(keys))
			_, seek, _, _ := farKeys.Parse(keys[from])
			found, err := f.list(t.Context(), seek, all)
			require.NoError(t, err)
			from, _ = slices.BinarySearch(keys, farKeys.Seek(0, seek))
			require.True(t, slices.Equal(keys[from:], found), "seed %d from %d", seed, from)
		})
	}
}

// A listing that the caller leaves, whose context ends or which fails leaves no request.
func TestListingByGuessesEnds(t *testing.T) {
	failure := errors.New("broken")
	for name, end := range map[string]func(f *far, ctx context.Context, cancel context.CancelFunc) error{
		"left": func(f *far, ctx context.Context, _ context.CancelFunc) error {
			_, err := f.list(ctx, 0, 300)
			return err
		},
		"cancelled": func(f *far, ctx context.Context, cancel context.CancelFunc) error {
			time.AfterFunc(350*time.Millisecond, cancel)
			_, err := f.list(ctx, 0, all)
			if !errors.Is(err, context.Canceled) {
				return fmt.Errorf("want context.Canceled, got %w", err)
			}
			return nil
		},
		"failed": func(f *far, ctx context.Context, _ context.CancelFunc) error {
			f.fails = func(object.ListOptions) error {
				if f.requests.Load() > 30 {
					return failure
				}
				return nil
			}
			if _, err := f.list(ctx, 0, all); !errors.Is(err, failure) {
				return fmt.Errorf("want the store's error, got %w", err)
			}
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &far{page: 10}
			for i := range ltx.TXID(1000) {
				f.add(0, i+1, i+1)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			require.NoError(t, end(f, ctx, cancel), name)
			require.Zero(t, f.running.Load(), name)
			require.Greater(t, f.most.Load(), int64(1), name)
		})
	}
}

// Up to five pages are listed as ever: one after the other, none that is not needed
// but the one ahead.
func TestShortListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{page: 10}
		for i := range ltx.TXID(50) {
			f.add(0, i+1, i+1)
		}
		keys, err := f.list(t.Context(), 0, all)
		require.NoError(t, err)
		assert.Equal(t, f.keys, keys)
		assert.EqualValues(t, 5, f.requests.Load())
		assert.EqualValues(t, 1, f.most.Load())
	})
}
