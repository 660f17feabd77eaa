package retry

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// OpenLTXFile calls the next client. A transfer that breaks is resumed where it stopped.
// A wrapper has no ETag to pin the version of the file (clause O3): it reads the last
// KiB again, and fails with ltxstore.ErrChecksum if that has changed. A rewrite that
// keeps these bytes goes unnoticed, unless the file is verified as a whole, as package
// [github.com/ltxstore/ltxstore/wrap/checksum] does.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	r := &reader{c: c, level: level, minTXID: minTXID, maxTXID: maxTXID, offset: offset, left: size, toEnd: size == 0}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	err := c.do(ctx, "open", layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}.String(), func(context.Context) (err error) {
		r.body, err = c.next.OpenLTXFile(r.ctx, level, minTXID, maxTXID, offset, size)
		return err
	})
	if err != nil {
		r.cancel(err)
		return nil, err
	}
	return r, nil
}

// reader is a transfer. Close may be called concurrently with Read, and ends it.
type reader struct {
	c                *Client
	level            int
	minTXID, maxTXID ltx.TXID
	ctx              context.Context
	cancel           context.CancelCauseFunc

	mu     sync.Mutex
	body   io.ReadCloser // nil if none is open
	offset int64         // of the next byte
	left   int64         // bytes to come, unless toEnd
	toEnd  bool
	last   layer.Overlap
	err    error // of every further Read
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	if err := flow.Err(r.ctx); err != nil {
		return 0, r.end(err)
	}
	n, err := r.body.Read(p)
	if r.took(p[:n]); n == 0 && err != nil && err != io.EOF {
		n, err = r.resume(p, err)
	}
	switch {
	case err == io.EOF:
		r.err = io.EOF
	case n > 0:
		err = nil // it comes again, or the transfer is resumed
	case err != nil:
		err = r.end(err)
	}
	return n, err
}

// took records what was read.
func (r *reader) took(b []byte) {
	r.offset += int64(len(b))
	r.left -= int64(len(b))
	r.last.Add(b)
}

// resume continues after a failure, which counts as the first attempt.
func (r *reader) resume(p []byte, failure error) (n int, err error) {
	err = r.c.policy.Do(r.ctx, func(context.Context) (err error) {
		if failure != nil {
			err, failure = failure, nil
			return err
		}
		n, err = r.again(p)
		return err
	})
	if errors.Is(err, errEnd) {
		err = io.EOF
	}
	return n, err
}

// errEnd stands for io.EOF where that would be repeated.
var errEnd = errors.New("the transfer has ended")

// again opens the rest of the file, checks that it is the same file, and reads at least one
// byte, or fails, at the end with errEnd.
func (r *reader) again(p []byte) (int, error) {
	r.drop()
	if !r.toEnd && r.left == 0 {
		return 0, errEnd
	}
	size := int64(0)
	if !r.toEnd {
		size = r.left
	}
	offset, size := r.last.Range(r.offset, size)
	rc, err := r.c.next.OpenLTXFile(r.ctx, r.level, r.minTXID, r.maxTXID, offset, size)
	if err != nil {
		return 0, err
	}
	r.body = rc
	if err := r.last.Check(rc); err != nil {
		return 0, err
	}
	for range flow.MaxEmptyReads {
		n, err := rc.Read(p)
		switch r.took(p[:n]); {
		case n > 0:
			return n, nil
		case err == io.EOF:
			return 0, errEnd
		case err != nil:
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// end makes err, as an *ltxstore.Error, the error of every further Read.
func (r *reader) end(err error) error {
	if context.Cause(r.ctx) == layer.ErrClosed {
		err = layer.ErrClosed
	}
	r.err = layer.Wrap(r.c.next, "read", layer.File{Level: r.level, MinTXID: r.minTXID, MaxTXID: r.maxTXID}.String(), err)
	r.drop()
	return r.err
}

func (r *reader) drop() {
	if r.body != nil {
		_ = r.body.Close() // it has failed already
		r.body = nil
	}
}

// Close ends a blocked Read, and closes the transfer. It may be called again.
func (r *reader) Close() error {
	r.cancel(layer.ErrClosed)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	_ = r.end(layer.ErrClosed)
	return err
}
