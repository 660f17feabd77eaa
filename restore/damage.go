package restore

import (
	"errors"
	"fmt"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// damagedError is files that are damaged, each by itself; its text is of the
// first.
type damagedError struct {
	error
	files []damagedFile
}

type damagedFile struct {
	info *ltx.FileInfo
	err  error
}

func (e *damagedError) Unwrap() error { return e.error }

// conflictError is two files of a plan that do not fit each other: one at least
// is of another history.
type conflictError struct {
	error
	older, newer *ltx.FileInfo
}

func (e *conflictError) Unwrap() error { return e.error }

// wholeError is a database that is not what the plan's newest file says, though
// no file is damaged by itself.
type wholeError struct{ error }

func (e *wholeError) Unwrap() error { return e.error }

// decode decodes a file, verifies it and its name, and calls header and pages,
// which may be nil. What is wrong with the file is ltxstore.ErrChecksum.
func decode(dec *ltxio.Decoder, info *ltx.FileInfo, r io.Reader, header func(ltx.Header) error, pages func([]ltxio.Page) error) (ltx.Header, ltx.Trailer, error) {
	hdr, trailer, err := dec.Decode(r, func(hdr ltx.Header) error {
		if hdr.MinTXID != info.MinTXID || hdr.MaxTXID != info.MaxTXID {
			return fmt.Errorf("header is of transactions %s to %s: %w", hdr.MinTXID, hdr.MaxTXID, ltxstore.ErrChecksum)
		}
		if header == nil {
			return nil
		}
		return header(hdr)
	}, pages)
	if damage := new(ltxio.DamageError); errors.As(err, &damage) {
		err = fmt.Errorf("%w: %w", ltxstore.ErrChecksum, err)
	}
	return hdr, trailer, err
}

// sound reads a file that is not applied, to know whether it is damaged.
func sound(info *ltx.FileInfo, r io.Reader) error {
	_, _, err := decode(new(ltxio.Decoder), info, r, nil, nil)
	return err
}
