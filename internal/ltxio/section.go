package ltxio

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// Section reads a body at any offset, concurrently and without moving it. A nil *Section is that
// of a body that can be read by Read only.
type Section struct {
	at          io.ReaderAt
	start, size int64
}

// NewSection returns the section of r, which has size bytes from its offset on, or nil. Only types
// are read in place whose ReadAt is known to return the same bytes as Read: any other may embed one
// of these and have a different Read.
func NewSection(r io.Reader, size int64) (*Section, error) {
	var at io.ReaderAt
	switch r := r.(type) {
	case *os.File:
		at = r
	case *bytes.Reader:
		at = r
	case *strings.Reader:
		at = r
	}
	if at == nil || size < 0 {
		return nil, nil
	}
	start, err := r.(io.Seeker).Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	return &Section{at, start, size}, nil
}

// ReadAt implements io.ReaderAt. It fails with a *SizeError if the body has another size than at
// first, and does not return the last bytes of a longer one, without which nothing is complete.
func (s *Section) ReadAt(p []byte, offset int64) (int, error) {
	n, err := s.at.ReadAt(p, s.start+offset)
	switch end := offset + int64(n); {
	case err == io.EOF && end < s.size:
		err = CheckSize(s.size, end)
	case err == nil && end == s.size && s.goesOn():
		n, err = 0, CheckSize(s.size, s.size+1)
	}
	return n, err
}

// goesOn reports whether a file has grown. Of the bodies that are read in place, only files can grow.
func (s *Section) goesOn() bool {
	if _, ok := s.at.(*os.File); !ok {
		return false
	}
	n, _ := s.at.ReadAt(make([]byte, 1), s.start+s.size)
	return n > 0
}

// Skip moves the body to its end, as if it had been read.
func (s *Section) Skip() error {
	_, err := s.at.(io.Seeker).Seek(s.start+s.size, io.SeekStart)
	return err
}
