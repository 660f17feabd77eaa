package restore

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/superfly/ltx"
)

// Target says which state of the database is wanted. At most one field is set;
// the zero value is the newest state that the replica holds.
type Target struct {
	// TXID is the last transaction that is wanted. The state is exactly that
	// one, never an older or newer one.
	TXID ltx.TXID `json:"txid,omitzero"`

	// Before is the moment that is wanted: what was written strictly before
	// it, by the times in the files' headers, which count milliseconds. A file
	// of a level above 0 has the time of its last transaction, so that where
	// level 0 has been deleted the state may be older than the moment by as
	// much as one file of the lowest level left.
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
		return fmt.Errorf("target has both TXID %s and Before %s: want one: %w", t.TXID, t.Before.UTC().Format(time.RFC3339Nano), fs.ErrInvalid)
	}
	return nil
}
