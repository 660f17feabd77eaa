package checksum

import (
	"errors"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// newCheck returns a check of a file. Content that is not LTX passes if others is true.
func newCheck(f layer.File, others bool) *ltxio.Check {
	return ltxio.NewCheck(f.MinTXID, f.MaxTXID, others)
}

// feed passes the file's next bytes to the check. Damage is ltxstore.ErrChecksum.
func feed(c *ltxio.Check, b []byte, end bool) error {
	err := c.Feed(b, end)
	if damage := new(ltxio.DamageError); errors.As(err, &damage) {
		return codec.Corrupt("not a whole LTX file of this name: %w", err)
	}
	return err
}
