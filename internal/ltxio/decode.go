package ltxio

import (
	"errors"
	"fmt"
	"io"

	"github.com/superfly/ltx"
)

// DamageError is what is wrong with a file, as opposed to a transfer that
// fails.
type DamageError struct {
	Err error

	// Torn says that the file ends too early, after Size bytes.
	Torn bool
	Size int64
}

func (e *DamageError) Error() string {
	if e.Torn {
		return fmt.Sprintf("file ends after %d bytes, before it is complete (%v)", e.Size, e.Err)
	}
	return e.Err.Error()
}

func (e *DamageError) Unwrap() error { return e.Err }

// Decode reads an LTX file to its end and verifies it: header, frames, page
// index, checksums. It calls header, and page for each page in order; either
// may be nil. data is valid during the call. What page was given counts only
// if Decode returns no error.
//
// Errors are *DamageError, but for those of r and of the functions, which are
// returned as they are.
func Decode(r io.Reader, header func(ltx.Header) error, page func(pgno uint32, data []byte) error) (ltx.Header, ltx.Trailer, error) {
	src := &transfer{r: r}
	dec := NewDecoder(src)
	var foreign error // of a function
	call := func(err error) error {
		foreign = err
		return err
	}
	err := decodeAll(dec, func(hdr ltx.Header) error {
		if header == nil {
			return nil
		}
		return call(header(hdr))
	}, func(pgno uint32, data []byte) error {
		if page == nil {
			return nil
		}
		return call(page(pgno, data))
	})
	switch {
	case err == nil, foreign != nil:
	case src.err != nil:
		err = src.err
	default:
		torn := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		err = &DamageError{Err: err, Torn: torn, Size: src.n}
	}
	return dec.Header(), dec.Trailer(), err
}

func decodeAll(dec *ltx.Decoder, header func(ltx.Header) error, page func(uint32, []byte) error) error {
	if err := dec.DecodeHeader(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if err := header(dec.Header()); err != nil {
		return err
	}
	data := make([]byte, dec.Header().PageSize)
	for {
		var hdr ltx.PageHeader
		before := dec.N()
		switch err := dec.DecodePage(&hdr, data); {
		case err == io.EOF && hdr.IsZero() && dec.N() > before:
			return dec.Close()
		case err != nil:
			return fmt.Errorf("page %d: %w", hdr.Pgno, err)
		}
		if err := page(hdr.Pgno, data); err != nil {
			return err
		}
	}
}

// transfer keeps a reader's own failure apart from what the decoder makes of
// it.
type transfer struct {
	r   io.Reader
	n   int64
	err error
}

func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err
}
