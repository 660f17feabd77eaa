package replicatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// listTorn puts torn uploads among the whole files of two levels.
func listTorn(ctx context.Context, e *env) error {
	torn := []file{{0, 3, 3}, {0, 6, 8}, {ltxstore.SnapshotLevel, 1, 6}}
	whole := []file{{0, 2, 2}, {0, 4, 4}, {ltxstore.SnapshotLevel, 1, 2}}
	if err := e.writeAll(ctx, whole...); err != nil {
		return err
	}
	for _, f := range torn {
		if err := e.Raw.Put(ctx, e.Raw.Keys.File(f.level, f.min, f.max), nil); err != nil {
			return fmt.Errorf("put a torn upload: %w", err)
		}
	}
	for _, useMetadata := range []bool{false, true} {
		var mu sync.Mutex
		reported := make(map[file]bool)
		told := ltxstore.WithTorn(ctx, func(info ltx.FileInfo) {
			mu.Lock()
			defer mu.Unlock()
			reported[fileOf(&info)] = true
		})
		var listed []*ltx.FileInfo
		for _, level := range []int{0, ltxstore.SnapshotLevel} {
			infos, err := e.list(told, level, 0, useMetadata)
			if err != nil {
				return err
			}
			listed = append(listed, infos...)
		}
		for _, f := range torn {
			if !reported[f] {
				return fmt.Errorf("listing with useMetadata %t does not report %v, which is empty, to the function of WithTorn", useMetadata, f)
			}
		}
		if len(reported) != len(torn) {
			return fmt.Errorf("the function of WithTorn was called with %v: want %v", reported, torn)
		}
		if err := sameFiles("listing of both levels", listed, whole); err != nil {
			return err
		}
	}
	return nil
}

func listFoundLevels(ctx context.Context, e *env) error {
	lister, ok := ltxstore.As[ltxstore.LevelLister](e.client)
	if !ok {
		return errors.New("client is not an ltxstore.LevelLister")
	}
	if _, err := lister.LTXLevels(ctx); err != nil {
		return fmt.Errorf("levels of an empty replica: %w", err)
	}
	var files []file
	for i, level := range []int{0, 2, ltxstore.SnapshotLevel, 10, 16, 1000, ltxstore.MaxLevel} {
		files = append(files, file{level, ltx.TXID(i + 1), ltx.TXID(i + 1)})
	}
	if err := e.writeAll(ctx, files...); err != nil {
		return err
	}
	levels, err := lister.LTXLevels(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("levels: %w", err)
	case !slices.IsSorted(levels), len(slices.Compact(slices.Clone(levels))) != len(levels):
		return fmt.Errorf("levels are %v: want them sorted and distinct", levels)
	}
	for _, f := range files {
		if !slices.Contains(levels, f.level) {
			return fmt.Errorf("levels are %v: want them to include %d, which has a file", levels, f.level)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := lister.LTXLevels(ended); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("levels with a context that is done: error is %v: want %v", err, context.Canceled)
	}
	return nil
}
