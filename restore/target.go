package restore

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/superfly/ltx"
)

// Target is a state of the database. At most one field may be set; the zero
// value is the newest state in the replica.
type Target struct {
	// TXID is the last transaction of the state. The result is exactly that
	// state, never an older or newer one.
	TXID ltx.TXID `json:"txid,omitzero"`

	// Before is a time: the state consists of everything that was written strictly
	// before it, according to the times in the files' headers, which have
	// milliseconds. A file of a level above 0 has the time of its last transaction.
	// If level 0 was deleted, the state may therefore be older than Before by as
	// much as one file of the lowest remaining level covers.
	Before time.Time `json:"before,omitzero"`
}

// String returns "latest", "transaction …" or "before …".
func (t Target) String() string {
	switch {
	case t.TXID != 0:
		return "transaction " + t.TXID.String()
	case !t.Before.IsZero():
		return "before " + t.Before.UTC().Format(time.RFC3339Nano)
	}
	return "latest"
}

func (t Target) check() error {
	if t.TXID != 0 && !t.Before.IsZero() {
		return fmt.Errorf("target has both TXID %s and Before %s: want only one: %w", t.TXID, t.Before.UTC().Format(time.RFC3339Nano), fs.ErrInvalid)
	}
	return nil
}
