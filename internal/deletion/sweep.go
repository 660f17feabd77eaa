package deletion

import (
	"context"

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

// Sweep deletes a replica's files as it lists them: at most Pending keys and
// one page are in memory.
type Sweep struct {
	// List returns the listing of what is right below a prefix: each call of
	// it is the next page.
	List func(prefix string) func(ctx context.Context) (Page, error)

	// Own tells the replica's files from a stranger's.
	Own func(key string) bool

	// IsLevel tells a level of the replica from another prefix.
	IsLevel func(prefix string) bool

	// Delete deletes keys and returns the failures.
	Delete func(ctx context.Context, keys []string) []error

	// Wrap makes the error of a listing that failed.
	Wrap func(prefix string, err error) error

	// Pending is how many keys are gathered for one Delete.
	Pending int

	keys   []string
	failed []error
}

// Run deletes the files of the levels right below each holder, and those of
// the levels that have no holder. It returns the failures.
func (s *Sweep) Run(ctx context.Context, holders, levels []string) []error {
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
	s.flush(ctx)
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
		if len(s.keys) >= s.Pending {
			s.flush(ctx)
		}
		if deeper != nil {
			for _, below := range page.Prefixes {
				deeper(below)
			}
		}
		more = page.More
	}
}

// flush deletes what is pending.
func (s *Sweep) flush(ctx context.Context) {
	if len(s.keys) == 0 {
		return
	}
	s.failed = append(s.failed, s.Delete(ctx, s.keys)...)
	s.keys = s.keys[:0]
}
