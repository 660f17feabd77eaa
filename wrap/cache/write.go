package cache

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// WriteLTXFile calls the next client. The file's blocks are dropped before, and the kept
// listing has the file after. A write that fails drops the level's listing, because its
// result is unknown.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	s, err := layer.Begin(ctx, c.base, "write", f.Check())
	if err != nil {
		return nil, err
	}
	var info *ltx.FileInfo
	s.begin(f)
	defer func() { s.end(f, info, info != nil) }()
	written, err := c.next.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	if err == nil && written != nil {
		kept := *written
		info = &kept
	}
	return written, err
}

func (s *state) begin(f layer.File) {
	s.listings.begin(f)
	s.blocks.begin(f)
}

func (s *state) end(f layer.File, info *ltx.FileInfo, done bool) {
	s.listings.end(f, info, done)
	s.blocks.end(f)
}
