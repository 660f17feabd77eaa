package ltxio

import (
	"errors"
	"fmt"
	"io"
	"runtime"

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

// Name is how an error names a file, whatever layout it is stored in.
func Name(level int, minTXID, maxTXID ltx.TXID) string {
	return fmt.Sprintf("level %d %s", level, ltx.FormatFilename(minTXID, maxTXID))
}

// Page is a decoded page.
type Page struct {
	Number   uint32
	Data     []byte
	Checksum ltx.Checksum // as of ltx.ChecksumPage
}

// Decode is Decoder.Decode by a decoder that decodes one page at a time.
func Decode(r io.Reader, header func(ltx.Header) error, pages func([]Page) error) (ltx.Header, ltx.Trailer, error) {
	return new(Decoder).Decode(r, header, pages)
}

// Decoder decodes LTX files, one after another, with the same buffers, which do not
// grow with a file, nor with what a damaged file claims. It verifies all that
// ltx.Decoder does, and keeps no page index. The zero value decodes one page at
// a time.
type Decoder struct {
	ahead   int // batches that are decoded at the same time
	size    int // of a batch's pages in bytes; 0 is one page
	batches []*batch
}

// batchSize is the size of the pages that are decoded together.
const batchSize = 256 << 10

// maxAhead bounds the memory: the one goroutine that reads feeds no more.
const maxAhead = 8

// NewDecoder returns a decoder that decodes pages on all CPUs. It holds twice
// 256 KiB for each, of eight at most.
func NewDecoder() *Decoder {
	return &Decoder{ahead: min(runtime.GOMAXPROCS(0), maxAhead), size: batchSize}
}

// Decode reads an LTX file to its end and verifies it: header, frames, page
// index, checksums. It calls header, and pages with all pages in order, some at a
// time; either may be nil. What pages is given is valid during the call; the Data
// of neighbours is one after the other in memory. It counts only if Decode returns
// no error.
//
// Errors are *DamageError, but for those of r and of the functions, which are
// returned as they are.
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
