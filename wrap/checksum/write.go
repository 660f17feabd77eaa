package checksum

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var errClosed = fmt.Errorf("read after close: %w", fs.ErrClosed)

// WriteLTXFile is the next client's. A body whose content is damaged is
// ltxstore.ErrChecksum, one that is no LTX file fs.ErrInvalid (see
// Config.OtherBodies), as is one of another name (clause W7). Nothing is stored
// then, and what was there before stays.
//
// With Config.ReadBack, what is stored and is not what was written is
// ltxstore.ErrChecksum too. It stays where it is: writing it again replaces it.
// Another writer of that name makes it fail as well.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, layer.Wrap(c.next, "write", "", err)
	}
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
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
		return nil, fmt.Errorf("body does not begin as an LTX file: want one, or OtherBodies: %w", fs.ErrInvalid)
	}
	b := &body{src: src, check: newCheck(f, c.cfg.OtherBodies)}
	defer b.check.Stop()
	info, err := c.next.WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, layer.Sized(b, src.Length))
	if err == nil {
		err = b.ended()
	}
	if err == nil && c.cfg.ReadBack {
		err = c.readBack(ctx, f, src)
	}
	return info, err
}

// readBack compares what is stored with the body.
func (c *Client) readBack(ctx context.Context, f layer.File, src *codec.Source) error {
	same, err := src.Equals(func() (io.ReadCloser, error) {
		return c.next.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, 0)
	})
	switch {
	case layer.IsMissing(err):
		// It is no missing file to the caller, who has named one to be written.
		return codec.Corrupt("the file is not there after it was written")
	case err != nil:
		return fmt.Errorf("the file was written, and not read back: %w", err)
	case !same:
		return codec.Corrupt("what is stored, read back, is not what was written")
	}
	return nil
}

// body is checked while it is read.
type body struct {
	src   *codec.Source
	check *ltxio.Check
	err   error
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	if err == nil || err == io.EOF {
		if wrong := feed(b.check, p[:n], err == io.EOF); wrong != nil {
			n, err = 0, wrong
		}
	}
	b.err = err
	return n, err
}

// ended returns nil when the body was read to its end and is whole, as the client
// must have done that reports success.
func (b *body) ended() error {
	if b.err != nil && b.err != io.EOF {
		return fmt.Errorf("the client that stores the body reports success and was refused it: %w", b.err)
	}
	return b.src.Ended()
}
