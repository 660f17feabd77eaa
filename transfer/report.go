package transfer

import (
	"fmt"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// Action is what happened to a file.
type Action string

const (
	// Copied is a file that was written, or would be in a dry run.
	Copied Action = "copied"

	// Replaced is a file that replaced one with other content, with Config.Replace.
	Replaced Action = "replaced"

	// Skipped is a file that the destination already has.
	Skipped Action = "skipped"

	// Deleted is a file that was deleted from the source after it was listed. If compaction
	// deleted it, the compacted file is copied later.
	Deleted Action = "deleted"

	// Damaged is a file that was not copied because that of the source is damaged or
	// empty; see the error. The destination's file, if any, is kept.
	Damaged Action = "damaged"

	// Failed is a file that was not copied; see the error.
	Failed Action = "failed"
)

// Outcome is the result for one file.
type Outcome struct {
	Action Action
	File   ltx.FileInfo // as the source lists it
	Err    error        // of Damaged and Failed files
}

// Report is the result of Run.
type Report struct {
	// Files and Bytes count the files and their bytes by action.
	Files map[Action]int   `json:"files"`
	Bytes map[Action]int64 `json:"bytes"`

	// Extra is the number of files that only the destination has. They are kept.
	Extra int `json:"extra"`

	// Failures lists the first 1000 files that were not copied, including damaged ones,
	// and levels that could not be listed.
	Failures []Failure `json:"failures"`

	errs []error
}

// Failure is a file that was not copied, or a level, with a MinTXID and MaxTXID of 0. Level is
// -1 if the levels could not be listed.
type Failure struct {
	Level   int      `json:"level"`
	MinTXID ltx.TXID `json:"min_txid,omitzero"`
	MaxTXID ltx.TXID `json:"max_txid,omitzero"`
	Error   string   `json:"error"`
}

// maxFailures limits the memory of a report.
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

// err returns the error of Run.
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
