package compress

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// frames decodes stored frames one after another. A file that is read from its beginning may also
// be an LTX file as it is.
type frames struct {
	zstd  *coder
	from  io.Reader
	index int64    // of the next frame
	known *trailer // of the file; nil if it is read from its beginning
	sum   uint32   // CRC-32C of all that was read

	plain        io.Reader // of an LTX file
	frame, piece []byte
}

// next returns the next frame's content, or io.EOF after the last.
func (s *frames) next() ([]byte, error) {
	if s.plain != nil {
		n, err := s.plain.Read(s.piece)
		if n > 0 {
			err = nil
		}
		return s.piece[:n], err
	}
	var head [frameHead]byte
	if err := s.read(head[:]); err != nil {
		return nil, err
	}
	if s.index == 0 && s.known == nil && isLTX(head[:]) {
		s.plain, s.piece = io.MultiReader(bytes.NewReader(head[:]), s.from), make([]byte, 32<<10)
		return nil, nil
	}
	switch magic := binary.LittleEndian.Uint32(head[:]); {
	case magic == trailerMagic && s.known == nil:
		return nil, s.finish()
	case magic != frameMagic:
		return nil, codec.Corrupt("file is not compressed by this package, and is no LTX file")
	}
	size := binary.LittleEndian.Uint32(head[8:])
	if size > maxStored {
		return nil, codec.Corrupt("frame %d has %d bytes: want up to %d", s.index, size, maxStored)
	}
	s.frame = slices.Grow(s.frame[:0], int(size))[:size]
	if err := s.read(s.frame); err != nil {
		return nil, err
	}
	var err error
	if s.piece, err = s.zstd.decoder.DecodeAll(s.frame, s.piece[:0]); err != nil {
		return nil, codec.Corrupt("frame %d: %w", s.index, err)
	}
	if len(s.piece) == 0 || s.known != nil && !s.expected(size) {
		return nil, codec.Corrupt("frame %d of %d bytes, decoded %d, contradicts the trailer", s.index, size, len(s.piece))
	}
	s.index++
	return s.piece, nil
}

// expected reports whether the frame that was read has the sizes that are known.
func (s *frames) expected(size uint32) bool {
	_, stored := s.known.place(s.index, s.index+1)
	return stored == frameHead+int64(size) && s.known.content(s.index) == int64(len(s.piece))
}

// read fills b and sums it.
func (s *frames) read(b []byte) error {
	n, err := ltxio.ReadFull(s.from, b)
	s.sum = crc32.Update(s.sum, castagnoli(), b[:n])
	switch {
	case err != nil && err != io.EOF:
		return err
	case n < len(b):
		return codec.Corrupt("file is cut off after %d frames", s.index)
	}
	return nil
}

// finish reads the rest of a trailer, and verifies the checksum of the whole file. It returns
// io.EOF.
func (s *frames) finish() error {
	var rest [4 << 10]byte
	for {
		n, err := ltxio.ReadFull(s.from, rest[:])
		s.sum = crc32.Update(s.sum, castagnoli(), rest[:n])
		switch {
		case err == io.EOF && !isWhole(s.sum):
			return codec.Corrupt("checksum of the file differs")
		case err != nil:
			return err
		}
	}
}

// isLTX reports whether a file that begins with head is an LTX file.
func isLTX(head []byte) bool { return bytes.HasPrefix(head, []byte(ltx.Magic)) }
