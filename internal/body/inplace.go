package body

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// InPlace is a source of known size that is read in place, as often as it
// takes.
type InPlace struct {
	src   *seekableSource
	start int64 // where the caller's reader stood
	size  int64

	// parallel, if not nil, reads without moving the reader.
	parallel io.ReaderAt

	at int64 // where the reader stands, -1 if that is not known
}

// ReadInPlace returns a Source's Reader, which had size bytes when it was looked
// at, as one that can be read again, or nil if it cannot: then r stands where it
// stood. One that has more is a *ltxio.SizeError.
func ReadInPlace(r io.Reader, size int64) (*InPlace, error) {
	src, ok := r.(*seekableSource)
	if !ok || size <= 0 {
		return nil, nil
	}
	start, err := src.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil
	}
	p := &InPlace{src: src, start: start, size: size, at: start, parallel: parallelReader(src.r)}
	var excess [1]byte
	switch n, err := p.readAt(excess[:], size); {
	case n > 0:
		return nil, ltxio.CheckSize(size, size+int64(n))
	case err != io.EOF:
		return nil, err
	}
	return p, nil
}

// Size returns how many bytes there are.
func (p *InPlace) Size() int64 { return p.size }

// Parallel reports whether several sections may be read at once.
func (p *InPlace) Parallel() bool { return p.parallel != nil }

// Rewind returns a reader of the source from where it stood. It fails with a
// *ltxio.SizeError where the source has another size by now.
func (p *InPlace) Rewind() (io.Reader, error) {
	_, err := p.src.Seek(p.start, io.SeekStart)
	return ltxio.Whole(p.src.ctx, p.src, p.size), err
}

// parallelReader returns r as an io.ReaderAt if its type is known to have one
// that yields what Read does. A type that embeds one of these and has another
// Read would not.
func parallelReader(r io.Reader) io.ReaderAt {
	switch r := r.(type) {
	case *os.File:
		return r
	case *bytes.Reader:
		return r
	case *strings.Reader:
		return r
	}
	return nil
}

// readAt reads up to len(b) bytes at offset from where the source stood.
func (p *InPlace) readAt(b []byte, offset int64) (n int, err error) {
	if p.parallel != nil {
		return p.readParallel(b, offset)
	}
	return p.src.guard(b, func(b []byte) (int, error) {
		if want := p.start + offset; p.at != want {
			p.at = -1
			if _, err := p.src.Seek(want, io.SeekStart); err != nil {
				return 0, fmt.Errorf("body does not seek to %d: %w", want, err)
			}
			p.at = want
		}
		for empty := 0; ; empty++ {
			n, err := p.src.r.Read(b)
			if n != 0 || err != nil {
				p.at += int64(n)
				return n, err
			}
			if empty == ctxio.MaxEmptyReads {
				return 0, io.ErrNoProgress
			}
		}
	})
}

// readParallel holds no lock while it reads: several parts do at once.
func (p *InPlace) readParallel(b []byte, offset int64) (int, error) {
	if err := p.src.Failure(); err != nil {
		return 0, err
	}
	if err := ctxio.Err(p.src.ctx); err != nil {
		return 0, err
	}
	n, err := p.parallel.ReadAt(b, p.start+offset)
	if err != nil && err != io.EOF {
		p.src.mu.Lock()
		defer p.src.mu.Unlock()
		return n, p.src.fail(err)
	}
	return n, err
}

// Finish leaves the caller's reader at its end after a success, as reading it
// would. It returns err.
func (p *InPlace) Finish(err error) error {
	if end := p.start + p.size; err == nil && p.at != end {
		_, _ = p.src.Seek(end, io.SeekStart) // the file is written: nobody is helped by an error
	}
	return err
}

// Section returns a reader of a range, which must lie within the size.
func (p *InPlace) Section(offset, size int64) *Section {
	return &Section{src: p, offset: offset, size: size}
}

// Section is a part of a replayable source, for one request.
type Section struct {
	src          *InPlace
	offset, size int64
	pos          int64
}

// Read implements io.Reader. A source that has become shorter is an error.
func (s *Section) Read(b []byte) (int, error) {
	left := s.size - s.pos
	if left == 0 {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), left)]
	if len(b) == 0 {
		return 0, nil
	}
	n, err := s.src.readAt(b, s.offset+s.pos)
	s.pos += int64(n)
	if err == io.EOF {
		if err = nil; n == 0 {
			source := s.src.src
			if ended := ctxio.Err(source.ctx); ended != nil {
				return 0, ended
			}
			source.mu.Lock()
			defer source.mu.Unlock()
			return 0, source.fail(ltxio.CheckSize(s.src.size, s.offset+s.pos))
		}
	}
	return n, err
}

// WriteTo implements io.WriterTo, with a buffer from the pool where the SDK
// would make one of 32 KiB.
func (s *Section) WriteTo(w io.Writer) (total int64, err error) {
	which := 1
	if s.size <= smallChunk {
		which = 0
	}
	buf := chunk(which)
	defer release(buf)
	for empty := 0; ; {
		n, err := s.Read(buf)
		if n > 0 {
			written, err := w.Write(buf[:n])
			total += int64(written)
			if err != nil {
				return total, err
			}
			empty = 0
		} else if empty++; err == nil && empty > ctxio.MaxEmptyReads {
			return total, io.ErrNoProgress
		}
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// Seek implements io.Seeker, with which the SDK sends a request again.
func (s *Section) Seek(offset int64, whence int) (int64, error) {
	return seekWithin(&s.pos, s.size, offset, whence)
}

// seekWithin is Seek in size bytes.
func seekWithin(pos *int64, size, offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += *pos
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 || offset > size {
		return 0, fmt.Errorf("seek to %d: want 0 to %d", offset, size)
	}
	*pos = offset
	return offset, nil
}
