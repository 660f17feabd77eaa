package body

import "io"

// Copy is io.Copy, through a buffer of 256 KiB from the pool and without the
// ways around it.
func Copy(w io.Writer, r io.Reader) (int64, error) {
	buf := largeChunks.Get().(*[largeChunk]byte)
	defer largeChunks.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf[:])
}
