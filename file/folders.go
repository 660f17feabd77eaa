package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

const opFolders = "list folders"

// Folders implements backend.FolderLister. It reads the root directory alone.
func (c *ReplicaClient) Folders(ctx context.Context) (names []string, err error) {
	r, err := c.init(ctx, opFolders)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(r.cfg.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, wrap(opFolders, "", err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}
