package layer

import "io"

// Body is Reader for a body whose bytes are counted: fresh is called after each read with the
// number of its bytes that were not read before. A backend may read a body that seeks
// twice, to sum and to send it. The reader returns an error of fresh. For a nil r Body
// returns nil.
func Body(r io.Reader, read func(p []byte) (int, error), fresh func(n int) error) io.Reader {
	if r == nil {
		return nil
	}
	report := func(n, count int, err error) (int, error) {
		if failed := fresh(count); failed != nil && (err == nil || err == io.EOF) {
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
				count := int(max(0, min(b.at-b.top, int64(n))))
				b.top = max(b.top, b.at)
				return report(n, count, err)
			}
			return b
		}
		r = struct{ io.Reader }{r} // a pipe
	}
	return Reader(r, func(p []byte) (int, error) {
		n, err := read(p)
		return report(n, n, err)
	})
}

type seekableBody struct {
	readFunc
	io.Seeker
	at, top int64 // the offset, and the highest one so far
}

// Seek implements io.Seeker.
func (b *seekableBody) Seek(offset int64, whence int) (int64, error) {
	at, err := b.Seeker.Seek(offset, whence)
	if err == nil {
		b.at = at
	}
	return at, err
}
