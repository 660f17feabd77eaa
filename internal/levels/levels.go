// Package levels finds out which levels a replica has in an object store.
package levels

import (
	"context"
	"slices"

	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/deletion"
)

// Find returns the levels right below the holders and those elsewhere, sorted.
// The latter are prefixes of levels that may be empty: they are not listed. list
// returns the listing of what is right below a prefix, whose each call is the next
// page; parse returns the level that has a prefix.
func Find(ctx context.Context, holders, elsewhere []string, list func(prefix string) func(context.Context) (deletion.Page, error), parse func(prefix string) (level int, ok bool)) ([]int, error) {
	prefixes := slices.Clone(elsewhere)
	for _, holder := range holders {
		next := list(holder)
		for more := true; more; {
			if err := ctxio.Err(ctx); err != nil {
				return nil, err
			}
			page, err := next(ctx)
			if err != nil {
				return nil, ctxio.Ended(ctx, err)
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
