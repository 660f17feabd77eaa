package checksum

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// WriteLTXFile calls the next client. It fails with ltxstore.ErrChecksum if the body is
// damaged, and with fs.ErrInvalid if it is not an LTX file (see Config.OtherBodies) or
// has the transactions of another name (clause W7). Nothing is stored then, and an
// existing file stays.
//
// With Config.ReadBack it also fails with ltxstore.ErrChecksum if the stored file differs
// from the body, as it may after a concurrent write of the same name. The file stays;
// writing it again replaces it.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	if err := f.Check(); err != nil {
		return nil, layer.Wrap(c.next, "write", "", err)
	}
	info, err := c.write(ctx, f, r)
	if err != nil {
		return nil, layer.WrapFile(c.next, "write", f, err)
	}
	return info, nil
}

func (c *Client) write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	src, err := codec.NewSource(ctx, f, r)
	switch {
	case err != nil:
		return nil, err
	case !src.IsLTX && !c.cfg.OtherBodies:
		return nil, fmt.Errorf("body is not an LTX file: want one, or OtherBodies: %w", fs.ErrInvalid)
	}
	body := newChecked(src, f, c.cfg.OtherBodies)
	defer body.Check.Stop()
	info, err := c.next.WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, layer.Sized(body, src.Length))
	if err == nil && body.err != nil && body.err != io.EOF {
		err = fmt.Errorf("the next client reports success for a body that failed: %w", body.err)
	}
	if err == nil {
		err = src.Ended()
	}
	if err == nil && c.cfg.ReadBack {
		err = c.readBack(ctx, f, src)
	}
	return info, err
}

// readBack compares the stored file with the body.
func (c *Client) readBack(ctx context.Context, f layer.File, src *codec.Source) error {
	same, err := src.Equals(func() (io.ReadCloser, error) {
		return c.next.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, 0)
	})
	switch {
	case layer.IsMissing(err):
		// Not fs.ErrNotExist: the caller did not ask for a file.
		return codec.Corrupt("the file is missing after it was written")
	case err != nil:
		return fmt.Errorf("the file was written but could not be read back: %w", err)
	case !same:
		return codec.Corrupt("the stored file differs from the body")
	}
	return nil
}
