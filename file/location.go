package file

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/ltxstore/ltxstore/backend"
)

var _ backend.Locator = (*ReplicaClient)(nil)

// Location implements backend.Locator, with the absolute path that symbolic links
// lead to: of a root that is not there yet, the path as it is configured. It cannot
// tell hosts from each other.
func (c *ReplicaClient) Location(ctx context.Context) (string, error) {
	r, err := c.init(ctx, "init")
	if err != nil {
		return "", err
	}
	root := r.cfg.Path
	if followed, err := filepath.EvalSymlinks(root); err == nil {
		root = followed
	}
	return fmt.Sprintf("%q", []string{typeName, root, r.cfg.Layout.String()}), nil
}
