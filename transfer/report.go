package transfer

import (
	"fmt"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// Action is what became of a file.
type Action string

const (
	// Copied is a file that was written, or would be in a dry run.
	Copied Action = "copied"

	// Replaced is one that was written in the place of another content, with
	// Config.Replace.
	Replaced Action = "replaced"

	// Skipped is one that is at the destination already.
	Skipped Action = "skipped"

	// Deleted is one that was deleted from the source after it was listed.
	// If compaction has done so, the file that it went into is copied after
	// it.
	Deleted Action = "deleted"

	// Damaged is one that was left out because the source's is not whole, or has
	// no bytes: see the error. What is at the destination stays.
	Damaged Action = "damaged"

	// Failed is one that was not copied: see the error.
	Failed Action = "failed"
)

// Outcome is what became of one file.
type Outcome struct {
	Action Action
	File   ltx.FileInfo // as the source lists it
	Err    error        // of Damaged and Failed: what is wrong
}

// Report is what Run has done.
type Report struct {
	// Files and Bytes are counts by what became of the files.
	Files map[Action]int   `json:"files"`
	Bytes map[Action]int64 `json:"bytes"`

	// Extra is the number of files at the destination that the source does not
	// have. They are left as they are.
	Extra int `json:"extra"`

	// Failures names the files that were not copied, the damaged ones among them,
	// the first 1000; and each level that could not be listed.
	Failures []Failure `json:"failures"`

	errs []error
}

// Failure is a file that was not copied. MinTXID and MaxTXID are 0 where it is
// a whole level, and Level is -1 where the levels could not be found.
type Failure struct {
	Level   int      `json:"level"`
	MinTXID ltx.TXID `json:"min_txid,omitzero"`
	MaxTXID ltx.TXID `json:"max_txid,omitzero"`
	Error   string   `json:"error"`
}

// maxFailures bounds what a report holds of a destination that is down.
const maxFailures = 1000

func (r *Report) add(o Outcome) {
	r.Files[o.Action]++
	r.Bytes[o.Action] += o.File.Size
	if o.Err != nil {
		r.fail(o.File.Level, o.File.MinTXID, o.File.MaxTXID, o.Err)
	}
}

func (r *Report) fail(level int, minTXID, maxTXID ltx.TXID, err error) {
	if len(r.errs) < maxFailures {
		r.Failures = append(r.Failures, Failure{level, minTXID, maxTXID, err.Error()})
		r.errs = append(r.errs, err)
	}
}

// err returns what Run fails with.
func (r *Report) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	return fmt.Errorf("copy: %w", &ltxstore.PartialError{Failed: r.errs, Total: r.total()})
}

func (r *Report) total() (n int) {
	for _, count := range r.Files {
		n += count
	}
	return n
}
