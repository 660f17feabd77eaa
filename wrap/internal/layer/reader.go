package layer

import "io"

// Reader returns a reader that reads by read and can do what r can to tell its
// length and to begin anew: a backend sends such a body in one request, without
// a buffer, and again if it must. What seeks is read from where it then stands.
func Reader(r io.Reader, read func(p []byte) (int, error)) io.Reader {
	if seeker, ok := r.(io.Seeker); ok {
		return &seekable{readFunc(read), seeker}
	}
	if sized, ok := r.(interface{ Len() int }); ok {
		return &measured{readFunc(read), sized}
	}
	return readFunc(read)
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

type seekable struct {
	readFunc
	io.Seeker
}

type measured struct {
	readFunc
	sized interface{ Len() int }
}

// Len returns the number of bytes left.
func (m *measured) Len() int { return m.sized.Len() }
