package layer

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// overlapSize is how many bytes before a break are read again and compared, because a wrapper has no
// ETag to pin the version (clause O3). A rewrite of the file that keeps these bytes goes unnoticed.
const overlapSize = 1 << 10

// overlap is the last bytes of a transfer.
type overlap struct{ tail []byte }

// add records delivered bytes.
func (o *overlap) add(p []byte) {
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

// before returns the range to open for the range that is left. A size of 0 means to the end.
func (o *overlap) before(offset, size int64) (int64, int64) {
	n := int64(len(o.tail))
	if size > 0 {
		size += min(n, math.MaxInt64-size)
	}
	return offset - n, size
}

// check reads the delivered bytes again. It fails with ltxstore.ErrChecksum if they differ.
func (o *overlap) check(body io.Reader) error {
	again := make([]byte, len(o.tail))
	switch n, err := ltxio.ReadFull(body, again); {
	case err != nil && err != io.EOF:
		return err
	case !bytes.Equal(again[:n], o.tail):
		return fmt.Errorf("the file was replaced while being read: %w", ltxstore.ErrChecksum)
	}
	return nil
}
