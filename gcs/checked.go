package gcs

import (
	"fmt"
	"hash/crc32"
	"io"

	"github.com/ltxstore/ltxstore"
)

// checked compares what is read of a whole object with its CRC-32C. The
// library does so only for a body that comes in one answer.
type checked struct {
	io.ReadCloser
	want, got uint32
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.got = crc32.Update(c.got, castagnoli(), p[:n])
	if err == io.EOF && c.got != c.want {
		err = fmt.Errorf("%w: CRC-32C of what was read is %08x, the service has %08x", ltxstore.ErrChecksum, c.got, c.want)
	}
	return n, err
}
