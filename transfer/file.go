package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// file copies a file unless the destination has it. there is the destination's file of the
// same name, or nil.
func (c *copier) file(ctx context.Context, info, there *ltx.FileInfo) (Action, error) {
	action := Copied
	if there != nil {
		same, err := c.same(ctx, info, there)
		switch {
		case errors.Is(err, errGone):
			return Deleted, nil
		case err != nil:
			return Failed, failed(c.src, info, err)
		case same:
			return Skipped, nil
		case !c.cfg.Replace:
			what := "other content"
			if info.Size != there.Size {
				what = fmt.Sprintf("%d bytes, but the source %d", there.Size, info.Size)
			}
			return Failed, failed(c.dst, info, fmt.Errorf("the destination has %s: %w", what, fs.ErrExist))
		}
		action = Replaced
	}
	if c.cfg.DryRun {
		return action, nil
	}
	switch err := c.write(ctx, info); {
	case errors.Is(err, errGone):
		return Deleted, nil
	case errors.As(err, new(*ltxio.DamageError)):
		return Damaged, failed(c.src, info, fmt.Errorf("the source's file is damaged: %w: %w", ltxstore.ErrChecksum, err))
	case err != nil:
		return Failed, failed(c.dst, info, err)
	}
	return action, nil
}

// torn returns the outcome of a file without bytes.
func (c *copier) torn(info *ltx.FileInfo) (Action, error) {
	return Damaged, failed(c.src, info, fmt.Errorf("the source's file has no bytes, because its upload was interrupted: %w", ltxstore.ErrChecksum))
}

func (c *copier) write(ctx context.Context, info *ltx.FileInfo) error {
	rc, err := open(ctx, c.src, info)
	if err != nil {
		return err
	}
	defer rc.Close()
	var body io.Reader = &exact{r: rc, left: info.Size}
	if !c.cfg.CopyDamaged {
		if info.Size < int64(len(ltx.Magic)) {
			if body, err = short(body); err != nil {
				return err
			}
		}
		check := ltxio.NewCheck(info.MinTXID, info.MaxTXID, true)
		defer check.Stop()
		body = &ltxio.CheckedReader{R: body, Check: check}
	}
	written, err := c.dst.WriteLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, body)
	if err == nil && written.Size != info.Size {
		return fmt.Errorf("%d bytes were written: want %d: %w", written.Size, info.Size, ltxstore.ErrChecksum)
	}
	return err
}

// short reads a body that is too short for the magic of an LTX file. A prefix of the magic
// is an LTX file whose upload was interrupted.
func short(r io.Reader) (io.Reader, error) {
	head, err := io.ReadAll(r)
	if err == nil && strings.HasPrefix(ltx.Magic, string(head)) {
		err = &ltxio.DamageError{Err: fmt.Errorf("file ends after %d bytes, within the magic of an LTX file", len(head)), Size: int64(len(head))}
	}
	return bytes.NewReader(head), err
}

// same reports whether both sides have the same file.
func (c *copier) same(ctx context.Context, info, there *ltx.FileInfo) (bool, error) {
	if info.Size != there.Size || !c.cfg.Content {
		return info.Size == there.Size, nil
	}
	a, err := open(ctx, c.src, info)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := c.dst.OpenLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("deleted from the destination in the meantime: %w", err)
	}
	if err != nil {
		return false, err
	}
	defer b.Close()
	return equal(&flow.Reader{Ctx: ctx, R: a}, &flow.Reader{Ctx: ctx, R: b})
}

// errGone means that the source no longer has the file.
var errGone = errors.New("deleted from the source")

func open(ctx context.Context, src ltxstore.ReplicaClient, info *ltx.FileInfo) (io.ReadCloser, error) {
	rc, err := src.OpenLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	return rc, err
}

// compareSize is the size of each of the two buffers for comparing files.
const compareSize = 32 << 10

func equal(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, compareSize), make([]byte, compareSize)
	for {
		n, errA := readFull(a, bufA)
		m, errB := readFull(b, bufB)
		if err := errors.Join(errA, errB); err != nil {
			return false, err
		}
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if n < compareSize {
			return true, nil
		}
	}
}

// readFull reads until buf is full or r ends, which is not an error.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = r.Read(buf[n:])
		n += more
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// exact is a reader that fails if the body does not have the listed size, because the file
// was replaced in the meantime or the transfer ended too early. The write then fails, too.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		return 0, fmt.Errorf("source has %d bytes more than listed: %w", -e.left, ltxstore.ErrChecksum)
	case err == io.EOF && e.left > 0:
		return n, fmt.Errorf("source has %d bytes fewer than listed: %w", e.left, ltxstore.ErrChecksum)
	}
	return n, err
}

// failed returns the error of a file that was not copied.
func failed(client ltxstore.ReplicaClient, info *ltx.FileInfo, err error) error {
	return &ltxstore.Error{Op: "copy", Backend: client.Type(), Kind: ltxstore.KindOf(err), Err: err,
		Key: ltxio.Name(info.Level, info.MinTXID, info.MaxTXID)}
}
