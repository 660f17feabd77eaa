package compress

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// sequence decodes frames one after another, each of which tells where it ends. At the end of a
// file that it reads from the beginning, it verifies what it has read by the summary and the seek
// table. Frames from the middle of a file are compared with what is known of it.
type sequence struct {
	zstd  *coder
	body  *bufio.Reader
	from  *codec.Transfer // read by body
	known *stored         // of the file; nil if it is read from the beginning
	table seekTable
	ends  []int64 // of the frames so far, in the stored file
	size  int64   // decoded so far
	first int64   // content of the first frame
	short bool    // a frame was smaller than the first: it must be the last

	frame, plain []byte
}

func newSequence(c *coder, from *codec.Transfer) *sequence {
	return &sequence{zstd: c, from: from, body: bufio.NewReaderSize(from, 4<<10)}
}

// newSelection returns a sequence of a known file's frames from one on.
func newSelection(c *coder, from *codec.Transfer, known *stored, frame int64) *sequence {
	_, size := known.place(frame, frame+1)
	s := newSequence(c, from)
	s.known, s.table.frames, s.first, s.frame = known, frame, known.frameSize, make([]byte, 0, size)
	return s
}

// next returns the next frame's content, or io.EOF after the last.
func (s *sequence) next() ([]byte, error) {
	plain, err := s.decode()
	if err != nil && err != io.EOF {
		return nil, s.from.Failure(err)
	}
	return plain, err
}

func (s *sequence) decode() ([]byte, error) {
	if s.known != nil && s.table.frames == s.known.frames() {
		return nil, io.EOF
	}
	head, err := s.body.Peek(zstd.HeaderMaxSize)
	if len(head) < 4 {
		return nil, codec.Corrupt("file is cut off after %d frames", s.table.frames)
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	if binary.LittleEndian.Uint32(head) == summaryMagic {
		if err := s.finish(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	info, err := parseFrame(head)
	if err != nil {
		return nil, codec.Corrupt("%w", err)
	}
	if s.table.frames == 0 {
		s.first = info.content
	}
	if s.short || info.content > s.first || s.table.frames == maxFrames {
		return nil, codec.Corrupt("frame %d of %d bytes after others of %d", s.table.frames, info.content, s.first)
	}
	s.short = info.content < s.first
	if err := s.collect(info); err != nil {
		return nil, err
	}
	if s.known != nil && !s.known.has(s.table.frames, info.content, len(s.frame)) {
		return nil, codec.Corrupt("frame %d contradicts the seek table", s.table.frames)
	}
	if s.plain, err = s.zstd.decode(s.frame, s.plain, info.content); err != nil {
		return nil, err
	}
	s.table.add(s.frame, info.content)
	s.ends = append(s.ends, s.end()+int64(len(s.frame)))
	s.size += info.content
	return s.plain, nil
}

// collect reads a frame up to its last block.
func (s *sequence) collect(info frameInfo) error {
	s.frame = s.frame[:0]
	if err := s.extend(info.header); err != nil {
		return err
	}
	for last := false; !last; {
		if err := s.extend(3); err != nil {
			return err
		}
		// https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.2
		b := s.frame[len(s.frame)-3:]
		header := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		kind, size := header>>1&3, header>>3
		last = header&1 != 0
		switch {
		case kind == 3 || size > blockSize:
			return codec.Corrupt("frame has a block of type %d and %d bytes", kind, size)
		case kind == 1: // one byte, repeated
			size = 1
		}
		if int64(len(s.frame)+size) > maxStored(info.content) {
			return codec.Corrupt("frame has more than %d bytes for %d", maxStored(info.content), info.content)
		}
		if err := s.extend(size); err != nil {
			return err
		}
	}
	return s.extend(4) // the content's checksum
}

// extend appends n bytes of the body to the frame.
func (s *sequence) extend(n int) error {
	at := len(s.frame)
	if need := at + n; need > cap(s.frame) {
		s.frame = append(make([]byte, 0, max(need, 2*cap(s.frame))), s.frame...)
	}
	s.frame = s.frame[:at+n]
	return s.read(s.frame[at:])
}

// read fills b.
func (s *sequence) read(b []byte) error {
	n, err := ltxio.ReadFull(s.body, b)
	switch {
	case err != nil && err != io.EOF:
		return err
	case n < len(b):
		return codec.Corrupt("file is cut off after %d frames", s.table.frames)
	}
	return nil
}

// finish reads the summary and the table, compares them with the frames that were read, and
// checks that the file ends there.
func (s *sequence) finish() error {
	trailer := make([]byte, trailerSize(s.table.frames))
	if err := s.read(trailer); err != nil {
		return err
	}
	sum, ends, err := parseTrailer(trailer, s.end()+int64(len(trailer)))
	switch {
	case err != nil:
		return codec.Corrupt("%w", err)
	case sum.size != s.size:
		return codec.Corrupt("frames have %d bytes, the summary says %d", s.size, sum.size)
	case sum.stored != s.table.stored:
		return codec.Corrupt("checksum of the frames differs")
	case !slices.Equal(ends, s.ends):
		return codec.Corrupt("seek table contradicts the frames")
	}
	switch _, err := s.body.ReadByte(); {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	return codec.Corrupt("file goes on after its seek table")
}

// end returns where the last frame that was read ends.
func (s *sequence) end() int64 {
	if len(s.ends) == 0 {
		return 0
	}
	return s.ends[len(s.ends)-1]
}

// place returns the offset and size of stored frames, without the last one.
func (s *stored) place(first, behind int64) (start, size int64) {
	if first > 0 {
		start = s.ends[first-1]
	}
	return start, s.ends[behind-1] - start
}

// has reports whether a frame has that content and stored size.
func (s *stored) has(frame, content int64, size int) bool {
	_, want := s.place(frame, frame+1)
	return content == s.content(frame) && int64(size) == want
}
