package layer

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// overlapSize is how many bytes before a break are read again and compared when a transfer is
// resumed.
const overlapSize = 1 << 10

// Overlap is the last bytes of a transfer. They are read again when it is resumed, because a
// wrapper has no ETag to pin the version (clause O3). A rewrite of the file that keeps these
// bytes goes unnoticed. The zero value is for the start of a transfer.
type Overlap struct{ tail []byte }

// Add records delivered bytes.
func (o *Overlap) Add(p []byte) {
	if len(p) == 0 {
		return
	}
	if p = p[max(len(p)-overlapSize, 0):]; o.tail == nil {
		o.tail = make([]byte, 0, overlapSize)
	}
	if excess := len(o.tail) + len(p) - overlapSize; excess > 0 {
		o.tail = o.tail[:copy(o.tail, o.tail[excess:])]
	}
	o.tail = append(o.tail, p...)
}

// Range returns the range to open for the range that is left. A size of 0 means to the end.
func (o *Overlap) Range(offset, size int64) (int64, int64) {
	n := int64(len(o.tail))
	if size > 0 {
		size += min(n, math.MaxInt64-size)
	}
	return offset - n, size
}

// Check reads the bytes delivered before from a body of Range. It fails with
// ltxstore.ErrChecksum if they differ.
func (o *Overlap) Check(body io.Reader) error {
	again := make([]byte, len(o.tail))
	switch n, err := ltxio.ReadFull(body, again); {
	case err != nil && err != io.EOF:
		return err
	case !bytes.Equal(again[:n], o.tail):
		return fmt.Errorf("the file was replaced while being read: %w", ltxstore.ErrChecksum)
	}
	return nil
}
