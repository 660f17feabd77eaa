package verify

import (
	"cmp"
	"slices"
	"time"

	"github.com/superfly/ltx"
)

// Report is what Run has found.
type Report struct {
	// Complete says that everything was looked at: no listing failed, and the
	// context lived.
	Complete bool `json:"complete"`

	// Files and Bytes are what was read.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`

	// Levels are those that hold files, in order.
	Levels []Level `json:"levels"`

	// Restore is the newest state that can be restored from the files that are
	// sound; nil if there is none.
	Restore *State `json:"restore"`

	// Findings are sorted: errors first, then by level and transaction.
	Findings []Finding `json:"findings"`
}

// OK reports that everything was looked at, and no finding is an Error.
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

// Level is what a level holds.
type Level struct {
	Level int      `json:"level"`
	Files int      `json:"files"`
	Bytes int64    `json:"bytes"`
	First ltx.TXID `json:"first"` // the lowest and
	Last  ltx.TXID `json:"last"`  // the highest transaction
}

// State is a state of the database, and what it is made of.
type State struct {
	TXID  ltx.TXID  `json:"txid"`
	Time  time.Time `json:"time,omitzero"`
	Files int       `json:"files"`
	Bytes int64     `json:"bytes"`
}

// Severity says what a Finding means.
type Severity string

const (
	// Error is something lost, or that cannot be read: a restore fails, or
	// would if it needed the file.
	Error Severity = "error"

	// Warning is what should not be there, or is missing, where other files
	// make up for it.
	Warning Severity = "warning"

	// Info is legal, and worth knowing.
	Info Severity = "info"
)

// Kind says what is found.
type Kind string

const (
	// KindList is a level that cannot be listed. Error.
	KindList Kind = "list"

	// KindUnreadable is a file that the store does not give. Error.
	KindUnreadable Kind = "unreadable"

	// KindTorn is a file that ends too early. Clients leave files of no bytes
	// out of their listings (clause L4): where one makes a transaction
	// missing, that is a KindGap. Error.
	KindTorn Kind = "torn"

	// KindCorrupt is a file of which a checksum or the structure is wrong.
	// Error.
	KindCorrupt Kind = "corrupt"

	// KindName is a file whose header is of other transactions than its name.
	// Error.
	KindName Kind = "name"

	// KindSize is a file that has another size than its listing says. Error.
	KindSize Kind = "size"

	// KindPageSize is a file with other pages than the one before it. Error.
	KindPageSize Kind = "page size"

	// KindHistory is a file that was made for another database than the one
	// that the file before it leaves: two daemons have written to one
	// replica. Only files with checksums tell; Litestream's have none. Error.
	KindHistory Kind = "history"

	// KindRestore is a state that should be there, and cannot be restored.
	// Error.
	KindRestore Kind = "restore"

	// KindSnapshot is a file on the level of snapshots that is none. Warning.
	KindSnapshot Kind = "snapshot"

	// KindGap is transactions that a level lacks, between those it has.
	// Warning.
	KindGap Kind = "gap"

	// KindOverlap is a file that has transactions of the one before it, on any
	// level but that of snapshots. It is legal (clause L6). Info.
	KindOverlap Kind = "overlap"

	// KindDeleted is a file that was deleted while the replica was looked at.
	// Info.
	KindDeleted Kind = "deleted"
)

// Finding is one thing found.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     Kind     `json:"kind"`

	// Level is -1 where it is about the replica as a whole.
	Level int `json:"level"`

	// MinTXID and MaxTXID are the file's, or the transactions that are
	// missing. They are 0 where it is about a level.
	MinTXID ltx.TXID `json:"min_txid,omitzero"`
	MaxTXID ltx.TXID `json:"max_txid,omitzero"`

	// Message says it in words, for one line.
	Message string `json:"message"`
}

func (r *Report) sort() {
	rank := map[Severity]int{Error: 0, Warning: 1, Info: 2}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.Level, b.Level),
			cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
	})
}
