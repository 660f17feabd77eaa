package mirror

import (
	"context"
	"slices"
	"sync"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// LTXLevels implements ltxstore.LevelLister. It returns the levels of all replicas, as
// ltxstore.Levels finds them. As many replicas must succeed as LTXFiles needs.
func (c *Client) LTXLevels(ctx context.Context) ([]int, error) {
	s, err := c.Begin(ctx, "list levels", nil)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var levels []int
	err = s.change(ctx, "list levels", layer.File{}, s.reads, func(ctx context.Context, r *replica) error {
		found, err := ltxstore.Levels(ctx, r.client)
		mu.Lock()
		defer mu.Unlock()
		levels = append(levels, found...)
		return err
	})
	if err != nil {
		return nil, c.Wrap("list levels", err)
	}
	slices.Sort(levels)
	return slices.Compact(levels), nil
}
