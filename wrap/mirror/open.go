package mirror

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// OpenLTXFile opens the file in the first replica that is healthy and has it. It costs one
// request for each replica that it tries. A transfer that breaks costs one more for each
// further replica that is tried, and up to a KiB is read twice, to check that it is the same
// file.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	s, err := layer.Begin(ctx, c.base, "open", f.CheckRange(offset, size))
	if err != nil {
		return nil, err
	}
	all, _ := s.order()
	t := &reader{c: c, s: s, ctx: ctx, f: f, left: all, at: offset, size: size}
	if err := t.open("open"); err != nil {
		return nil, c.end(ctx, "open", keyOf(f), err)
	}
	return t, nil
}

// reader reads a file from one replica after another.
type reader struct {
	c    *Client
	s    *state
	ctx  context.Context
	f    layer.File
	left []*replica // not tried yet
	from *replica

	at, size int64 // the offset of the next byte, and the bytes left; 0 means all
	last     layer.Overlap
	ended    bool // the range was read, or the last replica has failed
	err      error
	failed   []Failure

	mu     sync.Mutex // Close may be called concurrently with Read
	body   io.ReadCloser
	closed bool
}

// open opens the file in the next replica that has it. It fails if none is left.
func (t *reader) open(op string) error {
	for len(t.left) > 0 {
		r := t.left[0]
		t.left = t.left[1:]
		body, err := t.openAt(r)
		r.note(t.ctx, err)
		if err == nil {
			for _, f := range t.failed {
				if !layer.IsMissing(f.Err) { // a copy that was missed, not an outage
					t.c.failed(t.ctx, t.s, f)
				}
			}
			t.failed = nil
			t.from = r
			return t.use(body)
		}
		if t.ctx.Err() != nil {
			return flow.Ended(t.ctx, err)
		}
		t.failed = append(t.failed, r.failure(op, t.f, err))
	}
	return &Error{Failed: t.failed, Replicas: len(t.s.replicas)}
}

// use makes body the one to read.
func (t *reader) use(body io.ReadCloser) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errors.Join(fs.ErrClosed, body.Close())
	}
	t.body = body
	return nil
}

// openAt opens a replica's file at the current offset, and checks that the bytes before it are
// those delivered.
func (t *reader) openAt(r *replica) (io.ReadCloser, error) {
	offset, size := t.last.Range(t.at, t.size)
	body, err := r.client.OpenLTXFile(t.ctx, t.f.Level, t.f.MinTXID, t.f.MaxTXID, offset, size)
	if err != nil {
		return nil, err
	}
	if err := t.last.Check(body); err != nil {
		return nil, errors.Join(err, body.Close())
	}
	return body, nil
}

// Read implements io.Reader.
func (t *reader) Read(p []byte) (int, error) {
	for {
		t.mu.Lock()
		body, closed := t.body, t.closed
		t.mu.Unlock()
		switch {
		case closed:
			return 0, layer.Wrap(t.c.next, "read", keyOf(t.f), fs.ErrClosed)
		case t.ended:
			return 0, t.err
		case len(p) == 0:
			return 0, nil
		}
		n, err := body.Read(p)
		t.advance(p[:n])
		switch {
		case err == nil || err == io.EOF:
			return n, err
		case t.ctx.Err() != nil || errors.Is(err, fs.ErrClosed):
			return n, err
		}
		if moved := t.move(err); moved != nil {
			t.ended, t.err = true, moved
		}
		if n > 0 {
			return n, nil
		}
	}
}

// advance records what was delivered.
func (t *reader) advance(p []byte) {
	t.at += int64(len(p))
	if t.size > 0 {
		t.size -= int64(len(p))
		if t.size == 0 { // a failure no longer matters
			t.ended, t.err = true, io.EOF
		}
	}
	t.last.Add(p)
}

// move continues with another replica.
func (t *reader) move(broken error) error {
	t.from.note(t.ctx, broken)
	t.failed = append(t.failed, t.from.failure("read", t.f, broken))
	if t.ended {
		return io.EOF
	}
	t.mu.Lock()
	_ = t.body.Close()
	t.mu.Unlock()
	if err := t.open("read"); err != nil {
		return t.c.end(t.ctx, "read", keyOf(t.f), err)
	}
	return nil
}

// Close implements io.Closer. It may be called concurrently with Read, and ends it.
func (t *reader) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	return t.body.Close()
}
