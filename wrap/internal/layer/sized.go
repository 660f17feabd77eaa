package layer

import "io"

// Sized returns a reader of r, which has size bytes, with a Len method, so that the next client
// sends it without a buffer and refuses another number of bytes. If size is negative, it is
// unknown, and Sized returns r.
func Sized(r io.Reader, size int64) io.Reader {
	if size < 0 {
		return r
	}
	return &sized{r, size}
}

type sized struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (s *sized) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.left -= int64(n)
	return n, err
}

// Len returns the number of bytes left.
func (s *sized) Len() int { return int(max(0, s.left)) }
