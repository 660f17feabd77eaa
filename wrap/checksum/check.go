package checksum

import (
	"io"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// checked reads a file. It fails with ltxstore.ErrChecksum if the file is damaged, at the latest at
// its end. It does not read on after a failure.
type checked struct {
	ltxio.CheckedReader
	err error // of every further Read
}

// newChecked returns a reader of r. Content that is not LTX passes if others is true. The caller must
// stop the Check.
func newChecked(r io.Reader, f layer.File, others bool) *checked {
	return &checked{CheckedReader: ltxio.CheckedReader{R: r, Check: ltxio.NewCheck(f.MinTXID, f.MaxTXID, others)}}
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (n int, err error) {
	if c.err == nil {
		n, c.err = c.CheckedReader.Read(p)
		if damage, ok := c.err.(*ltxio.DamageError); ok {
			c.err = codec.Corrupt("not a whole LTX file of this name: %w", damage)
		}
	}
	return n, c.err
}
