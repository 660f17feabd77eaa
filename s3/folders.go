package s3

import (
	"context"
	"log/slog"
	"path"
	"slices"

	"github.com/ltxstore/ltxstore/internal/oplog"
)

const opFolders = "list folders"

// Folders implements ltxstore.FolderLister. It costs one LIST.
func (c *ReplicaClient) Folders(ctx context.Context) (names []string, err error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: opFolders, Level: -1, Done: slog.LevelDebug})
	defer func() { op.End(err) }()
	prefix := r.keys.Prefix()
	pager := r.pager(prefix)
	page, err := pager.next(ctx)
	if err != nil {
		return nil, r.wrap(opFolders, prefix, err)
	}
	for _, deeper := range page.prefixes {
		names = append(names, path.Base(deeper))
	}
	slices.Sort(names)
	return names, nil
}
