package layer

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// overlapSize is how many bytes before a break are read again, and compared, when a
// transfer is taken up. A connection that never brings more is no connection.
const overlapSize = 1 << 10

// Overlap is the last bytes of a transfer. What takes it up reads them again: there is
// no ETag by which a wrapper could pin the version (clause O3). A file that is rewritten
// with just that part unchanged goes unnoticed. The zero value is a transfer's beginning.
type Overlap struct{ tail []byte }

// Add notes what was delivered.
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

// Range returns the range to open for one that is left, of which a size of 0 is to the
// end.
func (o *Overlap) Range(offset, size int64) (int64, int64) {
	n := int64(len(o.tail))
	if size > 0 {
		size += min(n, math.MaxInt64-size)
	}
	return offset - n, size
}

// Check reads what was delivered before from a body of Range. Other bytes are
// ltxstore.ErrChecksum.
func (o *Overlap) Check(body io.Reader) error {
	again := make([]byte, len(o.tail))
	switch n, err := ltxio.ReadFull(body, again); {
	case err != nil && err != io.EOF:
		return err
	case !bytes.Equal(again[:n], o.tail):
		return fmt.Errorf("the file was replaced while it was read, or is another: %w", ltxstore.ErrChecksum)
	}
	return nil
}
