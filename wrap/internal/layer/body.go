package layer

import "io"

// Body is Reader for who counts a body: fresh is called after each read with how
// many of its bytes were not read before. A backend may read a body that seeks
// twice, to sum it and to send it. An error of fresh is the reader's. A nil r is
// nil.
func Body(r io.Reader, read func(p []byte) (int, error), fresh func(n int) error) io.Reader {
	if r == nil {
		return nil
	}
	tell := func(n, told int, err error) (int, error) {
		if failed := fresh(told); failed != nil && (err == nil || err == io.EOF) {
			err = failed
		}
		return n, err
	}
	if seeker, ok := r.(io.Seeker); ok {
		if at, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			b := &seekableBody{Seeker: seeker, at: at, top: at}
			b.readFunc = func(p []byte) (int, error) {
				n, err := read(p)
				b.at += int64(n)
				told := int(max(0, min(b.at-b.top, int64(n))))
				b.top = max(b.top, b.at)
				return tell(n, told, err)
			}
			return b
		}
		r = struct{ io.Reader }{r} // a pipe
	}
	return Reader(r, func(p []byte) (int, error) {
		n, err := read(p)
		return tell(n, n, err)
	})
}

type seekableBody struct {
	readFunc
	io.Seeker
	at, top int64 // where it stands, and how far it has been read
}

// Seek implements io.Seeker.
func (b *seekableBody) Seek(offset int64, whence int) (int64, error) {
	at, err := b.Seeker.Seek(offset, whence)
	if err == nil {
		b.at = at
	}
	return at, err
}
