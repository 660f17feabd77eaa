package checksum

import (
	"errors"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// newCheck checks a file of that name. Other content passes if others is true.
func newCheck(f layer.File, others bool) *ltxio.Check {
	return ltxio.NewCheck(f.MinTXID, f.MaxTXID, others)
}

// feed hands the file's next bytes to the check. What is wrong with the file as far
// as it has passed is of kind ltxstore.ErrChecksum.
func feed(c *ltxio.Check, b []byte, end bool) error {
	err := c.Feed(b, end)
	if damage := new(ltxio.DamageError); errors.As(err, &damage) {
		return codec.Corrupt("it is not a whole LTX file of this name: %w", err)
	}
	return err
}
