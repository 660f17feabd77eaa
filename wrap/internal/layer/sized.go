package layer

import "io"

// Sized returns r, which yields size bytes, with a Len that tells how many are left: so
// the next client sends it without a buffer, and refuses another number of bytes. A
// negative size is not known, and r is returned as it is.
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
