package ltxstore

import (
	"context"
	"slices"
)

// Levels returns the levels to look at for all of a replica's files, sorted: 0
// to SnapshotLevel, whether they hold files or not, because a daemon may begin
// one meanwhile, and those above them that hold some. Of a client that is no
// LevelLister only the former are known: a wrapper that implements no Unwrap
// hides those above.
//
// It costs what LTXLevels does, and fails as that does. A nil client is
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

// usualLevels are those that Litestream uses.
func usualLevels() []int {
	levels := make([]int, 0, SnapshotLevel+1)
	for level := range SnapshotLevel + 1 {
		levels = append(levels, level)
	}
	return levels
}
