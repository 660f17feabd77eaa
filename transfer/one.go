package transfer

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// File copies one file of src, as src lists it, to dst, which does not have it: with
// the checks that Run makes, of which only Config.CopyDamaged and DryRun matter here.
// The Action is Copied, Deleted, Damaged or Failed; the error of the latter two says
// what is wrong. It costs one OpenLTXFile and one WriteLTXFile. A client or a file that
// is nil is fs.ErrInvalid.
func File(ctx context.Context, dst, src ltxstore.ReplicaClient, info *ltx.FileInfo, cfg Config) (Action, error) {
	if dst == nil || src == nil || info == nil {
		return Failed, fmt.Errorf("copy: dst, src or info is nil: want two clients and a file: %w", fs.ErrInvalid)
	}
	c := &copier{dst: dst, src: src, cfg: cfg}
	return c.file(ctx, info, nil)
}
