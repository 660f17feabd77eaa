package restore

import (
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// UnreachableError describes why a target cannot be restored from a replica, and
// what can be restored instead. It matches fs.ErrNotExist only if the replica has no
// files at all: otherwise, a daemon might start a new history over a damaged one.
type UnreachableError struct {
	Target Target

	// Empty means that no level has files, not even zero-byte ones.
	Empty bool

	// LeftOut are files that may be relevant but are not whole: zero-byte
	// files, which listings leave out, and with Config.SkipDamaged the files
	// that were skipped.
	LeftOut []LeftOut

	// Missing, if not 0, is the first transaction that is in no file, and
	// Until the first later transaction that is in a file, or 0 if there is
	// none.
	Missing, Until ltx.TXID

	// Within, if not nil, is a file that contains the next transaction but
	// extends beyond the target; a file can only be applied as a whole.
	Within *ltx.FileInfo

	// Last is the last transaction before the target or the gap that can be
	// restored, or 0 if there is none. Use it as Target.TXID. LastTime is its
	// time, or zero if there is none or its file cannot be read.
	Last     ltx.TXID
	LastTime time.Time

	// First is the first transaction that can be restored, if Last is 0 and
	// Within is set. FirstTime is its time.
	First     ltx.TXID
	FirstTime time.Time
}

// Error describes the gap and what can be restored.
func (e *UnreachableError) Error() string {
	if e.Empty {
		return "the replica has no files"
	}
	var b strings.Builder
	switch {
	case e.Within != nil && e.Target.TXID != 0:
		fmt.Fprintf(&b, "transaction %s is only in files that extend beyond it, such as %s", e.Target.TXID, ltxio.Name(e.Within.Level, e.Within.MinTXID, e.Within.MaxTXID))
	case e.Within != nil:
		b.WriteString("no file is that old")
	case e.Until == 0:
		fmt.Fprintf(&b, "there are no transactions from %s on", e.Missing)
	case e.Until == e.Missing+1:
		fmt.Fprintf(&b, "transaction %s is missing, but there are files after it", e.Missing)
	default:
		fmt.Fprintf(&b, "transactions %s to %s are missing, but there are files after them", e.Missing, e.Until-1)
	}
	switch {
	case e.Last != 0:
		fmt.Fprintf(&b, "; the last that can be restored is %s%s", e.Last, of(e.LastTime))
	case e.First != 0:
		fmt.Fprintf(&b, "; the first that can be restored is %s%s", e.First, of(e.FirstTime))
	default:
		b.WriteString("; nothing can be restored")
	}
	if len(e.LeftOut) > 0 {
		fmt.Fprintf(&b, "; left out: %v", e.LeftOut[0])
	}
	if more := len(e.LeftOut) - 1; more > 0 {
		fmt.Fprintf(&b, " (and %d more)", more)
	}
	return b.String()
}

// Is reports whether target is fs.ErrNotExist and the replica is empty.
func (e *UnreachableError) Is(target error) bool { return e.Empty && target == fs.ErrNotExist }

func of(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " of " + t.UTC().Format(time.RFC3339Nano)
}

// failed returns an error of this package about a target, a file or a path.
func failed(client ltxstore.ReplicaClient, about string, err error) error {
	return &ltxstore.Error{Op: "restore", Backend: client.Type(), Key: about, Kind: ltxstore.KindOf(err), Err: err}
}
