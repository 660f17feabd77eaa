package object

import (
	"context"
	"slices"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// maxFailures is after how many failures a sweep gives up: the list of them is
// in memory, and the rest fares no better.
const maxFailures = 1000

// namesPage is a page of what is right below a prefix: keys of objects, and deeper
// prefixes, each closed by a slash.
type namesPage struct {
	Keys, Prefixes []string
	More           bool
}

// sweep deletes a replica's files while it lists them: at most Limit+1 times
// Pending keys and one page are in memory.
type sweep struct {
	// List returns the listing of what is right below a prefix: each call of
	// it is the next page.
	List func(prefix string) func(ctx context.Context) (namesPage, error)

	// Own tells the replica's files from a stranger's.
	Own func(key string) bool

	// IsLevel tells a level of the replica from another prefix.
	IsLevel func(prefix string) bool

	// Delete deletes keys and returns the failures. Up to Limit calls run
	// concurrently with each other and with List; less than 1 means 1.
	Delete func(ctx context.Context, keys []string) []error
	Limit  int

	// Wrap makes the error of a listing that failed.
	Wrap func(prefix string, err error) error

	// Pending is how many keys are gathered for one Delete.
	Pending int

	keys   []string
	failed []error
	line   flow.Line[[]error]
}

// Run deletes the files of the levels right below each holder, and those of
// the levels that have no holder. It returns the failures.
func (s *sweep) Run(ctx context.Context, holders, levels []string) []error {
	s.line = flow.Line[[]error]{Limit: s.Limit, Take: func(failed []error) { s.failed = append(s.failed, failed...) }}
	for _, holder := range holders {
		// A page's levels are emptied before the next page is asked for.
		s.walk(ctx, holder, func(prefix string) {
			if s.IsLevel(prefix) {
				s.walk(ctx, prefix, nil)
			}
		})
	}
	for _, level := range levels {
		s.walk(ctx, level, nil)
	}
	if len(s.keys) > 0 {
		s.delete(ctx, len(s.keys))
	}
	s.line.Wait()
	return s.failed
}

// walk deletes the replica's files right below prefix, and calls deeper for
// every prefix there.
func (s *sweep) walk(ctx context.Context, prefix string, deeper func(prefix string)) {
	next := s.List(prefix)
	for more := true; more && len(s.failed) < maxFailures; {
		err := flow.Err(ctx)
		var page namesPage
		if err == nil {
			page, err = next(ctx)
		}
		if err != nil {
			s.failed = append(s.failed, s.Wrap(prefix, flow.Ended(ctx, err)))
			return
		}
		for _, key := range page.Keys {
			if s.Own(key) {
				s.keys = append(s.keys, key)
			}
		}
		for n := max(s.Pending, 1); len(s.keys) >= n; {
			s.delete(ctx, n)
		}
		if deeper != nil {
			for _, below := range page.Prefixes {
				deeper(below)
			}
		}
		more = page.More
	}
}

// delete begins to delete the first n of the keys.
func (s *sweep) delete(ctx context.Context, n int) {
	keys := s.keys[:n:n]
	s.keys = append(make([]string, 0, max(s.Pending, len(s.keys)-n)), s.keys[n:]...)
	if len(s.failed) >= maxFailures {
		return
	}
	s.line.Do(func() []error { return s.Delete(ctx, keys) })
}

// findLevels returns the levels right below the holders and those elsewhere, sorted.
// The latter are prefixes of levels that may be empty: they are not listed. list
// returns the listing of what is right below a prefix; each call of that returns the
// next page. parse returns the level that has a prefix.
func findLevels(ctx context.Context, holders, elsewhere []string, list func(prefix string) func(context.Context) (namesPage, error), parse func(prefix string) (level int, ok bool)) ([]int, error) {
	prefixes := slices.Clone(elsewhere)
	for _, holder := range holders {
		next := list(holder)
		for more := true; more; {
			if err := flow.Err(ctx); err != nil {
				return nil, err
			}
			page, err := next(ctx)
			if err != nil {
				return nil, flow.Ended(ctx, err)
			}
			prefixes, more = append(prefixes, page.Prefixes...), page.More
		}
	}
	var found []int
	for _, prefix := range prefixes {
		if level, ok := parse(prefix); ok {
			found = append(found, level)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
