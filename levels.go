package ltxstore

import (
	"context"
	"slices"
)

// Levels returns, in ascending order, the levels to list to see all files of
// a replica: 0 to SnapshotLevel, whether they have files or not, because a
// daemon may start to use one at any time, and higher ones that have files.
// The latter are known only if the client is a LevelLister; a wrapper without
// an Unwrap method hides them.
//
// Levels costs what LTXLevels does and returns its errors. A nil client is
// fs.ErrInvalid.
func Levels(ctx context.Context, client ReplicaClient) ([]int, error) {
	if err := checkClient(client, "list"); err != nil {
		return nil, err
	}
	levels := usualLevels()
	lister, ok := As[LevelLister](client)
	if !ok {
		return levels, nil
	}
	found, err := lister.LTXLevels(ctx)
	if err != nil {
		return nil, err
	}
	levels = append(levels, found...)
	slices.Sort(levels)
	return slices.Compact(levels), nil
}

// usualLevels returns the levels that Litestream uses.
func usualLevels() []int {
	levels := make([]int, SnapshotLevel+1)
	for level := range levels {
		levels[level] = level
	}
	return levels
}
