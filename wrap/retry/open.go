package retry

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// OpenLTXFile calls the next client. A transfer that breaks is resumed where it stopped.
// A wrapper has no ETag to pin the version of the file (clause O3): it reads the last
// KiB again, and fails with ltxstore.ErrChecksum if that has changed. A rewrite that
// keeps these bytes goes unnoticed, unless the file is verified as a whole, as package
// [github.com/ltxstore/ltxstore/wrap/checksum] does.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	return layer.Resume(ctx, c.next, f, offset, size, func(ctx context.Context, offset, size int64) (io.ReadCloser, error) {
		return c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}, c.policy)
}
