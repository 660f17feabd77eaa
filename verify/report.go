package verify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/superfly/ltx"
)

// Report is the result of Run.
type Report struct {
	// Complete means that everything was checked: no listing failed, and the context did
	// not end.
	Complete bool `json:"complete"`

	// Unchecked are the levels that were not checked completely. If a level is in Levels
	// too, the files counted there were checked.
	Unchecked []int `json:"unchecked"`

	// Files and Bytes count what was read.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`

	// Levels are the levels with files, in order.
	Levels []Level `json:"levels"`

	// Restore is the newest state that can be restored; nil if there is none.
	Restore *State `json:"restore"`

	// RestoreUnknown means that it is unknown what can be restored. Restore is then nil.
	RestoreUnknown bool `json:"restore_unknown"`

	// Findings are sorted by severity, level and transaction.
	Findings []Finding `json:"findings"`
}

// OK reports whether everything was checked, and no finding is an Error.
func (r *Report) OK() bool { return r.Complete && r.Count(Error) == 0 }

// Count returns the number of findings of a severity.
func (r *Report) Count(severity Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// Level is the content of a level.
type Level struct {
	Level int      `json:"level"`
	Files int      `json:"files"`
	Bytes int64    `json:"bytes"`
	First ltx.TXID `json:"first"` // the lowest transaction
	Last  ltx.TXID `json:"last"`  // the highest transaction
}

// State is a state of the database, and the files to restore it from.
type State struct {
	TXID  ltx.TXID  `json:"txid"`
	Time  time.Time `json:"time,omitzero"`
	Files int       `json:"files"`
	Bytes int64     `json:"bytes"`

	// SkipDamaged means that restoring it requires restore.Config.SkipDamaged, because
	// files are damaged or have another history.
	SkipDamaged bool `json:"skip_damaged,omitzero"`

	// ByTXID means that restoring it requires restore.Target.TXID, because it is not the
	// newest state.
	ByTXID bool `json:"by_txid,omitzero"`
}

// how returns the flags of the restore command for the state.
func (s *State) how() string {
	var flags []string
	if s.ByTXID {
		flags = append(flags, "-txid "+s.TXID.String())
	}
	if s.SkipDamaged {
		flags = append(flags, "-skip-damaged")
	}
	return "with " + strings.Join(flags, " ")
}

// Severity is the severity of a Finding.
type Severity string

const (
	// Error is something lost or unreadable. A restore that needs it fails.
	Error Severity = "error"

	// Warning is something unexpected, or missing but contained in other files.
	Warning Severity = "warning"

	// Info is something that is not a problem but worth knowing.
	Info Severity = "info"
)

// Kind is the kind of a Finding.
type Kind string

const (
	// KindList is a level that cannot be listed. Error.
	KindList Kind = "list"

	// KindUnreadable is a file that the store fails to return. Error.
	KindUnreadable Kind = "unreadable"

	// KindTorn is a file that ends too early, or has no bytes. Error.
	KindTorn Kind = "torn"

	// KindCorrupt is a file with a wrong checksum or structure. Error.
	KindCorrupt Kind = "corrupt"

	// KindName is a file whose header has other transactions than its name. Error.
	KindName Kind = "name"

	// KindSize is a file whose size differs from the listed one. Error.
	KindSize Kind = "size"

	// KindPageSize is a file with another page size than the one before it. Error.
	KindPageSize Kind = "page size"

	// KindHistory is a file whose checksums of the database contradict those of another
	// file: two daemons have written to the replica. It can be found only if files have
	// checksums, which those of Litestream do not. Error.
	KindHistory Kind = "history"

	// KindRestore is a state that cannot be restored, although it should be. Error.
	KindRestore Kind = "restore"

	// KindSnapshot is a file on the snapshot level that is not a snapshot. Warning.
	KindSnapshot Kind = "snapshot"

	// KindGap is a range of transactions that a level lacks, between others. Warning.
	KindGap Kind = "gap"

	// KindOverlap is a file with transactions of a previous one, on any level except that
	// of snapshots. It is legal (clause L6). Info.
	KindOverlap Kind = "overlap"

	// KindDeleted is a file that was deleted while the replica was checked. Info.
	KindDeleted Kind = "deleted"
)

// Finding is a result of Run.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     Kind     `json:"kind"`

	// Level is -1 if the finding is about the whole replica.
	Level int `json:"level"`

	// MinTXID and MaxTXID are those of the file, or the missing transactions. They are 0
	// if the finding is about a level.
	MinTXID ltx.TXID `json:"min_txid,omitzero"`
	MaxTXID ltx.TXID `json:"max_txid,omitzero"`

	// Message describes the finding in one line.
	Message string `json:"message"`
}

func (r *Report) sort() {
	rank := map[Severity]int{Error: 0, Warning: 1, Info: 2}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.Level, b.Level),
			cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
	})
}
