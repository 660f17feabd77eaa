package layer

import (
	"cmp"
	"context"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// Source is where a transfer comes from that is resumed.
type Source interface {
	// Open opens a range of the file.
	Open(ctx context.Context, offset, size int64) (io.ReadCloser, error)

	// Repeat calls try, which opens the rest of the file, until it succeeds, or returns why it
	// does not. broken is the failure that ended the transfer so far, and nil when it begins.
	Repeat(ctx context.Context, broken error, try func(context.Context) error) error
}

// Resume opens a range of a file, as of OpenLTXFile, and returns its reader, which resumes the
// transfer where it breaks. Close may be called concurrently with Read, and ends it. ctx must live
// as long as the reader. Errors name next.
func Resume(ctx context.Context, next ltxstore.ReplicaClient, f File, offset, size int64, src Source) (io.ReadCloser, error) {
	r := &resumed{next: next, file: f, src: src, offset: offset, left: size, toEnd: size == 0}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	if err := src.Repeat(r.ctx, nil, r.open); err != nil {
		r.cancel(err)
		return nil, WrapFile(next, "open", f, err)
	}
	return r, nil
}

type resumed struct {
	next   ltxstore.ReplicaClient
	file   File
	src    Source
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	body   io.ReadCloser // nil if none is open
	offset int64         // of the next byte
	left   int64         // bytes to come, unless toEnd
	toEnd  bool
	last   Overlap
	broken error // of the next Read
	err    error // of every further Read
}

// Read implements io.Reader.
func (r *resumed) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	if r.err == nil {
		r.err = flow.Err(r.ctx)
	}
	if r.err == nil {
		if n, r.err = r.read(p); r.err != nil && r.err != io.EOF {
			n, r.err = r.resume(p, r.err)
		}
	}
	if r.err == nil || r.err == io.EOF {
		return n, r.err
	}
	r.drop()
	if context.Cause(r.ctx) == ErrClosed {
		r.err = ErrClosed
	}
	return n, WrapFile(r.next, "read", r.file, r.err)
}

// read reads the body. A failure that comes with bytes is that of the next call.
func (r *resumed) read(p []byte) (n int, err error) {
	if err, r.broken = r.broken, nil; err != nil {
		return 0, err
	}
	n, err = r.body.Read(p)
	r.offset += int64(n)
	r.left -= int64(n)
	if r.last.Add(p[:n]); n > 0 {
		r.broken, err = err, nil
	}
	return n, err
}

// resume opens the rest of the file and reads at least one byte of it, or io.EOF.
func (r *resumed) resume(p []byte, broken error) (n int, err error) {
	if !r.toEnd && r.left == 0 {
		return 0, io.EOF
	}
	var end error
	err = r.src.Repeat(r.ctx, broken, func(ctx context.Context) error {
		if err := r.open(ctx); err != nil {
			return err
		}
		if n, end = r.first(p); end == io.EOF {
			return nil
		}
		return end
	})
	return n, cmp.Or(err, end)
}

// open opens what is left, and checks that the bytes before it are those delivered.
func (r *resumed) open(context.Context) (err error) {
	r.drop()
	left := r.left
	if r.toEnd {
		left = 0
	}
	offset, size := r.last.Range(r.offset, left)
	if r.body, err = r.src.Open(r.ctx, offset, size); err != nil {
		r.body = nil
		return err
	}
	return r.last.Check(r.body)
}

// first reads at least one byte, or fails.
func (r *resumed) first(p []byte) (int, error) {
	for range flow.MaxEmptyReads {
		if n, err := r.read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

func (r *resumed) drop() {
	if r.body != nil {
		_ = r.body.Close() // it has failed already
		r.body = nil
	}
}

// Close implements io.Closer. It may be called again.
func (r *resumed) Close() error {
	r.cancel(ErrClosed)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body, r.err = nil, ErrClosed
	return err
}
