// Package deletion deletes many objects of a store: one at a time where there
// is no other way, and a whole replica without a list of all its keys.
package deletion

import (
	"context"
	"slices"

	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// Each deletes keys, at most limit at once, and goes on after a failure. It
// returns the failures in the order of the keys, made by wrap, which names the
// key. A key that is not tried because ctx has ended has failed with that.
func Each(ctx context.Context, keys []string, limit int, remove func(ctx context.Context, key string) error, wrap func(key string, err error) error) []error {
	results := make([]error, len(keys))
	bounded.Each(len(keys), limit, func(i int) {
		err := ctxio.Err(ctx)
		if err == nil {
			err = remove(ctx, keys[i])
		}
		if err != nil {
			results[i] = wrap(keys[i], ctxio.Ended(ctx, err))
		}
	})
	return slices.DeleteFunc(results, func(err error) bool { return err == nil })
}
