package gcs

import (
	"context"
	"log/slog"
	"path"
	"slices"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore/internal/oplog"
)

const opFolders = "list folders"

// Folders implements ltxstore.FolderLister. It costs one request.
func (c *ReplicaClient) Folders(ctx context.Context) (names []string, err error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: opFolders, Level: -1, Done: slog.LevelDebug})
	defer func() { op.End(err) }()
	prefix := r.keys.Prefix()
	pager := pager{bucket: r.bucket, size: r.cfg.PageSize, query: storage.Query{Prefix: prefix}, fields: []string{"Name"}}
	page, _, err := pager.next(ctx)
	if err != nil {
		return nil, wrap(opFolders, prefix, err)
	}
	for _, o := range page {
		if o.Prefix != "" {
			names = append(names, path.Base(o.Prefix))
		}
	}
	slices.Sort(names)
	return names, nil
}
