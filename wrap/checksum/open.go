package checksum

import (
	"context"
	"io"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// OpenLTXFile calls the next client. The reader of a whole file fails with
// ltxstore.ErrChecksum, at the latest at its end, if the file is damaged, has the
// transactions of another name, or is not an LTX file (see Config.OtherBodies).
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil || offset != 0 || size != 0 {
		return rc, err
	}
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	return &reader{body: rc, c: c, file: f, checked: newChecked(rc, f, c.cfg.OtherBodies)}, nil
}

// reader reads a whole file. Close may be called concurrently with Read.
type reader struct {
	body io.ReadCloser
	c    *Client
	file layer.File

	mu      sync.Mutex
	checked *checked
	err     error // of every further Read
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.checked.Read(p)
	if err != nil {
		r.checked.Check.Stop()
		if err != io.EOF {
			err = layer.WrapFile(r.c.next, "read", r.file, err)
		}
		r.err = err
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	err := r.body.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked.Check.Stop()
	if r.err == nil || r.err == io.EOF {
		r.err = layer.WrapFile(r.c.next, "read", r.file, layer.ErrClosed)
	}
	return err
}
