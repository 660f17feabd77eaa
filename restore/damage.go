package restore

import (
	"errors"
	"fmt"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// damagedError is the error of damaged files. Its text is about the first.
type damagedError struct {
	error
	files []damagedFile
}

type damagedFile struct {
	info *ltx.FileInfo
	err  error
}

func (e *damagedError) Unwrap() error { return e.error }

// conflictError is the error of two files of a plan that do not fit together: at
// least one has another history.
type conflictError struct {
	error
	older, newer *ltx.FileInfo
}

func (e *conflictError) Unwrap() error { return e.error }

// wholeError is the error of a database whose checksum differs from that in the
// newest file of the plan, although no single file is damaged.
type wholeError struct{ error }

func (e *wholeError) Unwrap() error { return e.error }

// decode decodes a file, verifies it and its name, and calls header and
// pages, which may be nil. A damaged file is ltxstore.ErrChecksum.
func decode(dec *ltxio.Decoder, info *ltx.FileInfo, r io.Reader, header func(ltx.Header) error, pages func([]ltxio.Page) error) (ltx.Header, ltx.Trailer, error) {
	hdr, trailer, err := dec.Decode(r, func(hdr ltx.Header) error {
		if hdr.MinTXID != info.MinTXID || hdr.MaxTXID != info.MaxTXID {
			return fmt.Errorf("header has transactions %s to %s: %w", hdr.MinTXID, hdr.MaxTXID, ltxstore.ErrChecksum)
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

// sound returns an error if a file that is not applied is damaged.
func sound(info *ltx.FileInfo, r io.Reader) error {
	_, _, err := decode(new(ltxio.Decoder), info, r, nil, nil)
	return err
}
