package object

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sweptStore is keys, listed page by page.
type sweptStore struct {
	mu    sync.Mutex
	keys  []string
	page  int
	lists []string // the prefixes that were asked for
	sizes []int    // of the deletions
	fail  func(key string) error
	list  func(prefix string) error
}

func (s *sweptStore) pager(prefix string) func(context.Context) (namesPage, error) {
	after := ""
	return func(context.Context) (page namesPage, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lists = append(s.lists, prefix)
		if s.list != nil {
			if err := s.list(prefix); err != nil {
				return page, err
			}
		}
		for _, key := range s.keys {
			rest, ok := strings.CutPrefix(key, prefix)
			if !ok {
				continue
			}
			entry := key
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				entry = prefix + rest[:i+1]
			}
			if entry <= after {
				continue
			}
			if len(page.Keys)+len(page.Prefixes) == s.page {
				page.More = true
				return page, nil
			}
			after = entry
			if strings.HasSuffix(entry, "/") {
				page.Prefixes = append(page.Prefixes, entry)
			} else {
				page.Keys = append(page.Keys, entry)
			}
		}
		return page, nil
	}
}

func (s *sweptStore) remove(_ context.Context, keys []string) (failed []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(keys))
	for _, key := range keys {
		if s.fail != nil && s.fail(key) != nil {
			failed = append(failed, s.fail(key))
			continue
		}
		s.keys = slices.DeleteFunc(s.keys, func(k string) bool { return k == key })
	}
	return failed
}

func (s *sweptStore) sweep(pending int) *sweep {
	return &sweep{
		List:    s.pager,
		Own:     func(key string) bool { return strings.HasSuffix(key, ".ltx") },
		IsLevel: func(prefix string) bool { return strings.HasPrefix(prefix, "db/ltx/0") },
		Delete:  s.remove,
		Wrap:    func(prefix string, err error) error { return fmt.Errorf("list %s: %w", prefix, err) },
		Pending: pending,
	}
}

func newSweptStore() *sweptStore {
	s := &sweptStore{page: 3}
	for level := range 3 {
		for i := range 10 {
			s.keys = append(s.keys, fmt.Sprintf("db/ltx/%04d/%d.ltx", level, i))
		}
	}
	s.keys = append(s.keys, "db/ltx/0001/deeper/1.ltx", "db/ltx/0001/stranger", "db/ltx/x/1.ltx", "db/snapshots/1.ltx", "db2/ltx/0000/1.ltx")
	slices.Sort(s.keys)
	return s
}

func TestSweep(t *testing.T) {
	s := newSweptStore()
	assert.Empty(t, s.sweep(4).Run(t.Context(), []string{"db/ltx/"}, []string{"db/snapshots/"}))
	assert.Equal(t, []string{"db/ltx/0001/deeper/1.ltx", "db/ltx/0001/stranger", "db/ltx/x/1.ltx", "db2/ltx/0000/1.ltx"}, s.keys)
	for _, n := range s.sizes {
		assert.Positive(t, n)
		assert.Less(t, n, 4+s.page, "keys in memory")
	}
	assert.NotContains(t, s.lists, "db/ltx/x/", "no level")
	assert.NotContains(t, s.lists, "db/ltx/0001/deeper/")
}

func TestSweepGoesOnAfterFailures(t *testing.T) {
	s := newSweptStore()
	denied, broken := errors.New("denied"), errors.New("broken")
	s.fail = func(key string) error {
		if key == "db/ltx/0000/3.ltx" {
			return denied
		}
		return nil
	}
	s.list = func(prefix string) error {
		if prefix == "db/ltx/0001/" {
			return broken
		}
		return nil
	}
	failed := s.sweep(4).Run(t.Context(), []string{"db/ltx/"}, []string{"db/snapshots/"})
	assert.Len(t, failed, 2)
	assert.ErrorIs(t, errors.Join(failed...), denied)
	assert.ErrorIs(t, errors.Join(failed...), broken)
	assert.ErrorContains(t, errors.Join(failed...), "list db/ltx/0001/: broken")
	assert.Contains(t, s.keys, "db/ltx/0000/3.ltx")
	assert.NotContains(t, s.keys, "db/ltx/0000/4.ltx")
	assert.NotContains(t, s.keys, "db/ltx/0002/0.ltx")
	assert.NotContains(t, s.keys, "db/snapshots/1.ltx")
}

func TestSweepGivesUp(t *testing.T) {
	s := &sweptStore{page: 100}
	for i := range 3 * maxFailures {
		s.keys = append(s.keys, fmt.Sprintf("db/ltx/0000/%06d.ltx", i))
	}
	s.fail = func(key string) error { return errors.New(key) }
	failed := s.sweep(100).Run(t.Context(), []string{"db/ltx/"}, nil)
	assert.Len(t, failed, maxFailures+100, "one deletion is under way beside the listing")
	assert.Len(t, s.lists, 1+maxFailures/100+1, "nothing more is listed")
}

// Deletions run beside the listing and beside each other, Limit at once, each
// of Pending keys but for the last.
func TestSweepDeletesDuringListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweptStore()
		before := len(s.keys)
		sweep := s.sweep(4)
		sweep.Limit = 3
		var running, most atomic.Int64
		sweep.Delete = func(ctx context.Context, keys []string) []error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(time.Second)
			return s.remove(ctx, keys)
		}
		assert.Empty(t, sweep.Run(t.Context(), []string{"db/ltx/"}, []string{"db/snapshots/"}))
		assert.Equal(t, int64(3), most.Load())
		slices.Sort(s.sizes)
		deleted := before - len(s.keys)
		assert.Equal(t, 31, deleted)
		assert.Len(t, s.sizes, (deleted+3)/4, "as few as there can be")
		assert.Equal(t, 4, s.sizes[len(s.sizes)-1])
	})
}

func TestSweepEndsWithTheContext(t *testing.T) {
	s := newSweptStore()
	ctx, cancel := context.WithCancel(t.Context())
	s.list = func(string) error {
		cancel()
		return nil
	}
	failed := s.sweep(4).Run(ctx, []string{"db/ltx/"}, []string{"db/snapshots/"})
	assert.ErrorIs(t, errors.Join(failed...), context.Canceled)
	assert.Equal(t, []string{"db/ltx/"}, s.lists)
}

func parseLevel(prefix string) (int, bool) {
	_, digits, _ := strings.Cut(strings.TrimSuffix(prefix, "/"), "/")
	level, err := strconv.Atoi(digits)
	return level, err == nil
}

func listerOf(pages map[string][]namesPage) func(string) func(context.Context) (namesPage, error) {
	return func(prefix string) func(context.Context) (namesPage, error) {
		n := 0
		return func(context.Context) (namesPage, error) {
			if n == len(pages[prefix]) {
				return namesPage{}, errors.New("listed past the end")
			}
			n++
			return pages[prefix][n-1], nil
		}
	}
}

func TestFindLevels(t *testing.T) {
	list := listerOf(map[string][]namesPage{
		"a/": {{Prefixes: []string{"a/10/", "a/x/", "a/2/"}, More: true}, {Keys: []string{"a/7"}, More: true}, {Prefixes: []string{"a/3/"}}},
		"b/": {{Prefixes: []string{"b/2/"}}},
	})
	found, err := findLevels(t.Context(), []string{"a/", "b/"}, []string{"c/9/"}, list, parseLevel)
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3, 9, 10}, found)

	_, err = findLevels(t.Context(), []string{"none/"}, nil, list, parseLevel)
	assert.ErrorContains(t, err, "past the end")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = findLevels(ctx, []string{"a/"}, nil, list, parseLevel)
	assert.ErrorIs(t, err, context.Canceled)
}
