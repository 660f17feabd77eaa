package mock

import (
	"context"
	"slices"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// LTXLevels implements ltxstore.LevelLister. It is not logged as a Call, is
// not hit by faults, and ignores Lags.
func (c *ReplicaClient) LTXLevels(ctx context.Context) ([]int, error) { return c.memory.LTXLevels(ctx) }

// LTXLevels implements ltxstore.LevelLister.
func (m *memory) LTXLevels(ctx context.Context) (levels []int, err error) {
	const op = "list levels"
	p, err := m.init(ctx, op)
	if err != nil {
		return nil, err
	}
	if err := flow.Err(ctx); err != nil {
		return nil, wrap(op, "", err)
	}
	m.bucket().bill()
	for _, key := range m.bucket().Keys() {
		if level, _, _, ok := p.keys.Parse(key); ok {
			levels = append(levels, level)
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels), nil
}
