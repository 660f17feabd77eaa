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

// Write implements layer.Operations.
func (p *replica) Write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	src, err := codec.NewSource(ctx, f, r)
	switch {
	case err != nil:
		return nil, err
	case src.Timestamp == codec.NotLTX && !p.cfg.OtherBodies:
		return nil, fmt.Errorf("body is not an LTX file: want one, or OtherBodies: %w", fs.ErrInvalid)
	}
	body := newChecked(src, f, p.cfg.OtherBodies)
	defer body.Check.Stop()
	info, err := p.Next.Write(ctx, f, layer.Sized(body, src.Length))
	if err == nil && body.err != nil && body.err != io.EOF {
		err = fmt.Errorf("the next client reports success for a body that failed: %w", body.err)
	}
	if err == nil {
		err = src.Ended()
	}
	if err == nil && p.cfg.ReadBack {
		err = p.readBack(ctx, f, src)
	}
	return info, err
}

// readBack compares the stored file with the body.
func (p *replica) readBack(ctx context.Context, f layer.File, src *codec.Source) error {
	same, err := src.Equals(func() (io.ReadCloser, error) { return p.Next.Open(ctx, f, 0, 0) })
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
