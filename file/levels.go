package file

import (
	"context"
	"log/slog"
	"slices"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

// LTXLevels implements ltxstore.LevelLister: the level directories, by the names
// in the directories that hold them.
func (c *ReplicaClient) LTXLevels(ctx context.Context) ([]int, error) {
	rep, err := c.init(ctx, opLevels)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: opLevels, Level: -1, Done: slog.LevelDebug})
	levels, err := rep.levelNumbers(ctx)
	op.End(err)
	return levels, wrap(opLevels, "", err)
}

const opLevels = "list levels"

func (r *replica) levelNumbers(ctx context.Context) (levels []int, err error) {
	root, err := r.dirs.openRoot()
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, failed := r.levels(ctx, root, opLevels)
	if err := backend.Partial(typeName, opLevels, failed, 0); err != nil {
		return nil, err
	}
	for _, name := range names {
		if level, ok := r.keys.ParseLevel(name + "/"); ok {
			levels = append(levels, level)
		}
	}
	slices.Sort(levels)
	return levels, nil
}
