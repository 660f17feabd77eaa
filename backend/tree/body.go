package tree

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

const (
	// bufferSize is the size up to which a body is kept in memory, so that it can be
	// written again with any kind of reader.
	bufferSize = 256 << 10

	// copyChunk is how much the kernel copies between two checks of the context:
	// large enough to be cheap, small enough to end promptly.
	copyChunk = 16 << 20

	// blockSize is how much of other bodies CopyTo writes at a time. With larger writes, Linux
	// takes pages of memory that are harder to find, and some writes need three times as long.
	blockSize = 32 << 10
)

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// Body is the content of a file that is written. It must be used by one goroutine at a
// time. Unless the body is Buffered, Read must be called in the goroutine of Create,
// because it panics if the caller's reader does.
type Body struct {
	// Size is the number of bytes, or -1 if unknown.
	Size int64

	// Modified is the timestamp of the LTX header, or zero if there is none.
	Modified time.Time

	ctx   context.Context
	r     io.Reader
	read  int64
	err   error // of the caller's reader
	buf   flow.Buffer
	whole bool // buf has all of it
	plain bool // nothing is in memory

	source io.Reader // the caller's, if it can be read again from start; otherwise nil
	start  int64
}

// newBody reads the header of src, and reads a small body into memory if keep is true.
func newBody(ctx context.Context, src io.Reader, minTXID, maxTXID ltx.TXID, keep bool) (*Body, error) {
	peeked, err := ltxio.Peek(ctx, src, minTXID, maxTXID)
	if err != nil {
		return nil, err
	}
	b := &Body{ctx: ctx, Size: peeked.Size, r: peeked.Reader}
	if peeked.IsLTX {
		b.Modified = peeked.Time()
	}
	if s, ok := peeked.Source.(io.Seeker); ok {
		if b.start, err = s.Seek(0, io.SeekCurrent); err == nil {
			b.source = peeked.Source
		}
	}
	if !keep {
		b.plain = true
		return b, nil
	}
	if b.whole, err = b.buf.Fill(peeked.Reader, bufferSize, 0); err != nil {
		b.free()
		return nil, err
	}
	if b.whole {
		b.Size = int64(len(b.buf.B))
		b.r = bytes.NewReader(b.buf.B)
		return b, nil
	}
	b.r = flow.Drain(&b.buf, peeked.Reader)
	return b, nil
}

// Buffered reports whether the body is in memory.
func (b *Body) Buffered() bool { return b.whole }

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.read += int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// File is the destination of CopyTo: an *os.File, or a wrapper of one.
type File interface {
	io.Writer
	io.ReaderFrom
}

// CopyTo writes the whole body, and returns the number of bytes. On a Disk, the caller's
// *os.File is passed to ReadFrom, 16 MiB at a time, so that the kernel can copy it; other
// bodies are written in blocks of 32 KiB.
func (b *Body) CopyTo(w File) (total int64, err error) {
	defer func(before int64) { total = b.read - before }(b.read)
	if file, ok := b.source.(*os.File); ok && b.plain {
		return 0, b.copyFile(w, file)
	}
	buf := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(buf)
	for {
		n, readErr := ltxio.ReadFull(b, buf[:])
		if readErr != nil && readErr != io.EOF {
			b.err = readErr
			return 0, readErr
		}
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return 0, err
			}
		}
		if readErr == io.EOF {
			return 0, nil
		}
	}
}

func (b *Body) copyFile(w File, src *os.File) error {
	for {
		if err := flow.Err(b.ctx); err != nil {
			return err
		}
		chunk := io.LimitedReader{R: src, N: copyChunk}
		n, err := w.ReadFrom(&chunk)
		b.read += n
		if err != nil {
			return err
		}
		if n < copyChunk || b.Size >= 0 && b.read > b.Size {
			b.err = ltxio.CheckSize(b.Size, b.read)
			return b.err
		}
	}
}

// rewind makes Read start over. If the body is not in memory but was read, its source must
// be seekable.
func (b *Body) rewind() error {
	switch {
	case b.whole:
		b.r = bytes.NewReader(b.buf.B)
	case b.read > 0:
		if _, err := b.source.(io.Seeker).Seek(b.start, io.SeekStart); err != nil {
			return fmt.Errorf("seek to the start of the body: %w", err)
		}
		b.r = ltxio.Whole(b.ctx, b.source, b.Size)
	}
	b.read = 0
	return nil
}

// reason returns why a write of the body has failed.
func (b *Body) reason(err error) error {
	if stopped := flow.Err(b.ctx); stopped != nil {
		return final{stopped}
	}
	if b.err != nil {
		return final{b.err}
	}
	return err
}

func (b *Body) free() { b.buf.Free() }
