package deletion

import (
	"context"

	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// MaxFailures is after how many failures a Sweep gives up: the list of them is
// in memory, and the rest fares no better.
const MaxFailures = 1000

// Page is a page of what is right below a prefix: keys of objects, and deeper
// prefixes, each closed by a slash.
type Page struct {
	Keys, Prefixes []string
	More           bool
}

// Sweep deletes a replica's files while it lists them: at most Limit+1 times
// Pending keys and one page are in memory.
type Sweep struct {
	// List returns the listing of what is right below a prefix: each call of
	// it is the next page.
	List func(prefix string) func(ctx context.Context) (Page, error)

	// Own tells the replica's files from a stranger's.
	Own func(key string) bool

	// IsLevel tells a level of the replica from another prefix.
	IsLevel func(prefix string) bool

	// Delete deletes keys and returns the failures. It runs beside List and
	// beside itself, Limit times at once; less than 1 means 1.
	Delete func(ctx context.Context, keys []string) []error
	Limit  int

	// Wrap makes the error of a listing that failed.
	Wrap func(prefix string, err error) error

	// Pending is how many keys are gathered for one Delete.
	Pending int

	keys   []string
	failed []error
	line   bounded.Line[[]error]
}

// Run deletes the files of the levels right below each holder, and those of
// the levels that have no holder. It returns the failures.
func (s *Sweep) Run(ctx context.Context, holders, levels []string) []error {
	s.line = bounded.Line[[]error]{Limit: s.Limit, Take: func(failed []error) { s.failed = append(s.failed, failed...) }}
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
func (s *Sweep) walk(ctx context.Context, prefix string, deeper func(prefix string)) {
	next := s.List(prefix)
	for more := true; more && len(s.failed) < MaxFailures; {
		err := ctxio.Err(ctx)
		var page Page
		if err == nil {
			page, err = next(ctx)
		}
		if err != nil {
			s.failed = append(s.failed, s.Wrap(prefix, ctxio.Ended(ctx, err)))
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
func (s *Sweep) delete(ctx context.Context, n int) {
	keys := s.keys[:n:n]
	s.keys = append(make([]string, 0, max(s.Pending, len(s.keys)-n)), s.keys[n:]...)
	if len(s.failed) >= MaxFailures {
		return
	}
	s.line.Do(func() []error { return s.Delete(ctx, keys) })
}
