package mock

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Op is an operation of a client, or a part of one, that a Fault may hit.
type Op string

const (
	// OpInit is Init, whether called directly or by another method.
	OpInit Op = "init"

	// OpList is the call of LTXFiles, OpNext is the iteration, and OpMetadata is
	// the lookup of one file's time, with useMetadata. Lookups run up to a page
	// ahead of the caller.
	OpList     Op = "list"
	OpNext     Op = "next"
	OpMetadata Op = "metadata"

	// OpOpen is the call of OpenLTXFile, and OpRead is reading from the reader
	// that it returned.
	OpOpen Op = "open"
	OpRead Op = "read"

	// OpWrite is WriteLTXFile.
	OpWrite Op = "write"

	// OpDelete is the deletion of one file by DeleteLTXFiles.
	OpDelete Op = "delete"

	// OpDeleteAll is DeleteAll.
	OpDeleteAll Op = "delete all"

	// OpClose is Close.
	OpClose Op = "close"
)

// noLevel is the level of operations that have none.
const noLevel = -1

// A Fault is one thing that goes wrong in the calls that it matches. See
// ReplicaClient.Script for the faults that are rejected.
//
// Several faults may hit one call. They happen in the order of After, then in
// the order in which they were scripted, and the first error ends the call.
// Each fault counts every call that it matches, including calls that another
// fault ends.
type Fault struct {
	// Op is the operation. It must be set.
	Op Op

	// Levels are the levels to which the fault is limited; nil means any.
	Levels []int

	// MinTXID and MaxTXID are the TXIDs of the file to which the fault is
	// limited; 0 means any.
	MinTXID, MaxTXID ltx.TXID

	// Match, if not nil, further limits the fault to calls for which it
	// returns true. Level is -1 and the TXIDs are 0 if the operation has none.
	// It must not call the client.
	Match func(level int, minTXID, maxTXID ltx.TXID) bool

	// Nth is the first matching call that is hit, counted from 1 when the
	// fault is scripted; 0 means 1. Times is the number of calls that are hit
	// from then on: 0 means 1, and a negative number means all.
	Nth, Times int

	// After is the point in the call at which Delay and Err happen: after that
	// many bytes of the body (OpRead: of the requested range; OpWrite: of the
	// caller's reader), or that many files (OpNext). In a shorter body or listing
	// they happen at its end. 0 means before anything else.
	After int64

	// Delay is how long Config.Sleep waits. It ends early, with the context's
	// error, when the context ends.
	Delay time.Duration

	// Err is the error that the call, the Read or the iteration returns,
	// wrapped in an *ltxstore.Error. A write that fails leaves nothing new in the
	// store. For a broken transfer use io.ErrUnexpectedEOF, the error that clients
	// must report for one.
	Err error

	// LostAnswer performs the operation (OpWrite, OpDelete, OpDeleteAll)
	// before Delay and Err: the store has changed, but the caller gets an
	// error.
	LostAnswer bool

	// Leftover leaves an unfinished upload in the Store (OpWrite) when Err
	// fails the write, as a killed process does.
	Leftover bool

	// Truncate ends the body with io.EOF after After bytes (OpRead). No
	// client should do that: it is for tests of code that verifies bodies.
	Truncate bool

	// Corrupt inverts the bytes at these offsets of the file (OpRead), for
	// the same purpose. An offset outside the range that is read changes
	// nothing.
	Corrupt []int64

	// Lag makes the listings stale after an OpWrite, OpDelete or OpDeleteAll.
	Lag Lag
}

// String describes what the fault matches.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Op))
	if f.Levels != nil {
		fmt.Fprintf(&b, " level %v", f.Levels)
	}
	if f.MinTXID != 0 {
		fmt.Fprintf(&b, " min %s", f.MinTXID)
	}
	if f.MaxTXID != 0 {
		fmt.Fprintf(&b, " max %s", f.MaxTXID)
	}
	fmt.Fprintf(&b, " call %d", f.first())
	switch n := f.times(); {
	case n < 0:
		b.WriteString(" and all after it")
	case n > 1:
		fmt.Fprintf(&b, " to %d", f.first()+n-1)
	}
	return b.String()
}

func (f Fault) first() int { return max(f.Nth, 1) }

func (f Fault) times() int { return cmp.Or(f.Times, 1) }

// hits reports whether the nth matching call is hit.
func (f Fault) hits(nth int) bool {
	return nth >= f.first() && (f.Times < 0 || nth-f.first() < f.times())
}

func (f Fault) matches(op Op, level int, minTXID, maxTXID ltx.TXID) bool {
	return f.Op == op &&
		(f.Levels == nil || slices.Contains(f.Levels, level)) &&
		(f.MinTXID == 0 || f.MinTXID == minTXID) &&
		(f.MaxTXID == 0 || f.MaxTXID == maxTXID) &&
		(f.Match == nil || f.Match(level, minTXID, maxTXID))
}

// corrupt returns body, which starts at offset start of its file, with the
// bytes of Corrupt inverted. body itself is not changed.
func (f Fault) corrupt(body []byte, start int64) []byte {
	if f.Corrupt != nil {
		body = bytes.Clone(body)
	}
	for _, at := range f.Corrupt {
		if i := at - start; i >= 0 && i < int64(len(body)) {
			body[i] ^= 0xff
		}
	}
	return body
}

// check returns an error of kind fs.ErrInvalid that names the field for a
// fault that could never match, would do nothing, or contradicts itself.
func (f Fault) check() error {
	var (
		change  = slices.Contains([]Op{OpWrite, OpDelete, OpDeleteAll}, f.Op) // of the store
		body    = slices.Contains([]Op{OpRead, OpWrite, OpNext}, f.Op)        // it has bytes or files
		onFile  = slices.Contains([]Op{OpMetadata, OpOpen, OpRead, OpWrite, OpDelete}, f.Op)
		onLevel = onFile || f.Op == OpList || f.Op == OpNext
	)
	bad := func(field string, value any, want string) error {
		return backend.Invalid(typeName, "script", "Fault."+field, value, want)
	}
	only := func(what string) string { return fmt.Sprintf("want it only with %s, not with %q", what, f.Op) }
	if !onLevel && f.Op != OpInit && f.Op != OpDeleteAll && f.Op != OpClose {
		return bad("Op", string(f.Op), "want one of mock's Op constants")
	}
	if slices.ContainsFunc(f.Levels, func(level int) bool { return backend.CheckLevel(level) != nil }) {
		return bad("Levels", f.Levels, fmt.Sprintf("want levels of 0 to %d", ltxstore.MaxLevel))
	}
	switch {
	case f.Levels != nil && len(f.Levels) == 0:
		return bad("Levels", f.Levels, "want nil for any level")
	case f.Levels != nil && !onLevel:
		return bad("Levels", f.Levels, only("an operation on a level"))
	case (f.MinTXID != 0 || f.MaxTXID != 0) && !onFile:
		return bad("MinTXID and MaxTXID", [2]ltx.TXID{f.MinTXID, f.MaxTXID}, only("an operation on a file"))
	case f.MaxTXID != 0 && f.MinTXID > f.MaxTXID:
		return bad("MinTXID", f.MinTXID, fmt.Sprintf("want at most MaxTXID, %s", f.MaxTXID))
	case f.Nth < 0:
		return bad("Nth", f.Nth, "want 0 (default) or more")
	case f.After < 0:
		return bad("After", f.After, "want 0 or more bytes or files")
	case f.After > 0 && !body:
		return bad("After", f.After, only("OpRead, OpWrite and OpNext"))
	case f.After > 0 && f.Err == nil && f.Delay == 0 && !f.Truncate:
		return bad("After", f.After, "want it only with Err, Delay or Truncate")
	case f.Delay < 0:
		return bad("Delay", f.Delay, "want 0 or more")
	case f.LostAnswer && !change:
		return bad("LostAnswer", true, only("OpWrite, OpDelete and OpDeleteAll"))
	case f.LostAnswer && (f.Err == nil || f.After > 0):
		return bad("LostAnswer", true, "want it only with Err, and without After")
	case f.Leftover && f.Op != OpWrite:
		return bad("Leftover", true, only("OpWrite"))
	case f.Leftover && (f.Err == nil || f.LostAnswer):
		return bad("Leftover", true, "want it only with Err, and without LostAnswer")
	case f.Truncate && f.Op != OpRead:
		return bad("Truncate", true, only("OpRead"))
	case f.Truncate && f.Err != nil:
		return bad("Truncate", true, "want it without Err: for a read that fails, set Err alone")
	case f.Corrupt != nil && f.Op != OpRead:
		return bad("Corrupt", f.Corrupt, only("OpRead"))
	case slices.ContainsFunc(f.Corrupt, func(at int64) bool { return at < 0 }):
		return bad("Corrupt", f.Corrupt, "want offsets of 0 or more")
	case f.Lag.Listings < 0 || f.Lag.Duration < 0:
		return bad("Lag", f.Lag, "want no negative field")
	case f.Lag != (Lag{}) && !change:
		return bad("Lag", f.Lag, only("OpWrite, OpDelete and OpDeleteAll"))
	case f.Lag != (Lag{}) && f.Err != nil && !f.LostAnswer:
		return bad("Lag", f.Lag, "want it without Err, or with LostAnswer: a change that fails is not listed")
	case f.Err == nil && f.Delay == 0 && !f.Truncate && len(f.Corrupt) == 0 && f.Lag == (Lag{}):
		return backend.Invalid(typeName, "script", "Fault", f.String(), "want an effect: Err, Delay, Truncate, Corrupt or Lag")
	}
	return nil
}
