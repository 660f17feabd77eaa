package object

import (
	"context"
	"slices"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// maxFailures is the number of failures after which a sweep gives up: they are kept in
// memory, and the rest would probably fail too.
const maxFailures = 1000

// namesPage is a page of the names directly below a prefix: keys of objects, and deeper
// prefixes, each with a slash at the end.
type namesPage struct {
	Keys, Prefixes []string
	More           bool
}

// sweep deletes a replica's files while listing them. At most Limit+1 times Pending keys
// and one page are in memory.
type sweep struct {
	// List lists the names directly below a prefix: each call of the returned
	// function returns the next page.
	List func(prefix string) func(ctx context.Context) (namesPage, error)

	// Own reports whether a key is that of a file of the replica.
	Own func(key string) bool

	// IsLevel reports whether a prefix is that of a level of the replica.
	IsLevel func(prefix string) bool

	// Delete deletes keys and returns the failures. Up to Limit calls run
	// concurrently with each other and with List; less than 1 means 1.
	Delete func(ctx context.Context, keys []string) []error
	Limit  int

	// Wrap wraps the error of a failed listing.
	Wrap func(prefix string, err error) error

	// Pending is how many keys are collected for one Delete.
	Pending int

	keys   []string
	failed []error
	line   flow.Line[[]error]
}

// Run deletes the files of the levels directly below each holder, and of the other
// levels. It returns the failures.
func (s *sweep) Run(ctx context.Context, holders, levels []string) []error {
	s.line = flow.Line[[]error]{Limit: s.Limit, Take: func(failed []error) { s.failed = append(s.failed, failed...) }}
	for _, holder := range holders {
		// The levels of a page are emptied before the next page is requested.
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

// walk deletes the replica's files directly below prefix, and calls deeper for every
// prefix there.
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

// findLevels returns the sorted levels directly below the holders and those elsewhere.
// The latter are prefixes of levels that may be empty, because they are not listed.
// list lists the names directly below a prefix; each call of the returned function
// returns the next page. parse returns the level of a prefix.
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
