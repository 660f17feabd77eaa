package ltxio

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/superfly/ltx"
)

// DamageError is damage to a file, as opposed to a failed transfer.
type DamageError struct {
	Err error

	// Torn is true if the file ends too early, after Size bytes.
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

// Name returns the name of a file for errors. It does not depend on the layout.
func Name(level int, minTXID, maxTXID ltx.TXID) string {
	return fmt.Sprintf("level %d %s", level, ltx.FormatFilename(minTXID, maxTXID))
}

// Page is a decoded page.
type Page struct {
	Number   uint32
	Data     []byte
	Checksum ltx.Checksum // that of ltx.ChecksumPage
}

// Decode calls Decoder.Decode of a decoder that decodes one page at a time.
func Decode(r io.Reader, header func(ltx.Header) error, pages func([]Page) error) (ltx.Header, ltx.Trailer, error) {
	return new(Decoder).Decode(r, header, pages)
}

// Decoder decodes LTX files, one after another. Its buffers are bounded, whatever the size of a file
// and whatever a damaged file claims. It verifies all that ltx.Decoder does, and keeps no page index.
// The zero value decodes one page at a time.
type Decoder struct {
	ahead   int // number of batches that are decoded at the same time
	size    int // of a batch in bytes; 0 means one page
	batches []*batch
}

// batchSize is the size in bytes of pages that are decoded together.
const batchSize = 256 << 10

// maxAhead bounds the memory. One reading goroutine cannot keep more decoders busy.
const maxAhead = 8

// NewDecoder returns a decoder that uses up to eight CPUs, with twice 256 KiB of memory for each.
func NewDecoder() *Decoder {
	return &Decoder{ahead: min(runtime.GOMAXPROCS(0), maxAhead), size: batchSize}
}

// Decode reads an LTX file to its end and verifies header, frames, page index and checksums. It calls
// header once, and pages with all pages in order, several at a time; either may be nil. The argument
// of pages is valid only during the call; the Data of consecutive pages is contiguous in memory. The
// result is valid only if Decode returns no error.
//
// Errors are *DamageError, except for those of r and of the functions, which are returned unchanged.
func (d *Decoder) Decode(r io.Reader, header func(ltx.Header) error, pages func([]Page) error) (ltx.Header, ltx.Trailer, error) {
	f := &file{r: transfer{r: r}}
	err := f.decode(d, header, pages)
	foreign := new(foreignError)
	switch {
	case err == nil:
	case errors.As(err, &foreign):
		err = foreign.error
	case f.r.err != nil:
		err = f.r.err
	default:
		torn := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		err = &DamageError{Err: err, Torn: torn, Size: f.r.n}
	}
	return f.header, f.trailer, err
}

// foreignError is an error of the caller's functions.
type foreignError struct{ error }

// transfer records a failure of the reader, which the decoder would wrap.
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
