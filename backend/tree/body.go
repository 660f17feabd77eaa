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
	// written again whatever the caller's reader is.
	bufferSize = 256 << 10

	// copyChunk is how much the kernel copies between two checks of the
	// context: large enough to cost nothing, small enough to end promptly.
	copyChunk = 16 << 20

	// blockSize is how much of another body CopyTo gathers for one write.
	blockSize = 64 << 10
)

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// Body is the content of a file that is written. It is for one goroutine at a
// time. A Read may panic, as the caller's reader does, unless Buffered: it must
// then be called in the goroutine of Create.
type Body struct {
	// Size is how many bytes Read yields, -1 if that is not known.
	Size int64

	// Modified is the LTX header's timestamp, zero for another body.
	Modified time.Time

	ctx   context.Context
	r     io.Reader
	read  int64
	err   error // of the caller's reader
	buf   flow.Buffer
	whole bool // buf has everything
	plain bool // nothing is in memory

	source io.Reader // the caller's, if it can be read again from start; else nil
	start  int64
}

// newBody reads the header of src, and keeps a small body in memory if keep is
// true.
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

// File is what CopyTo writes to: an *os.File, or one with something in between.
type File interface {
	io.Writer
	io.ReaderFrom
}

// CopyTo writes the whole body, and returns how many bytes that was. To a Disk
// the caller's *os.File is given to ReadFrom, 16 MiB at a time, so that the
// kernel can copy it; any other body is written in blocks of 64 KiB.
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

// rewind makes Read begin at the beginning. Of a body that is not kept, and was
// read, the source can be sought.
func (b *Body) rewind() error {
	switch {
	case b.whole:
		b.r = bytes.NewReader(b.buf.B)
	case b.read > 0:
		if _, err := b.source.(io.Seeker).Seek(b.start, io.SeekStart); err != nil {
			return fmt.Errorf("seek the body to its beginning: %w", err)
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
