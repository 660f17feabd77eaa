package verify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/superfly/ltx"
)

// Report is what Run has found.
type Report struct {
	// Complete says that everything was looked at: no listing failed, and the
	// context lived.
	Complete bool `json:"complete"`

	// NotLookedAt are the levels that were not looked at to their end. Of one
	// that is in Levels too, only what is counted there was.
	NotLookedAt []int `json:"not_looked_at"`

	// Files and Bytes are what was read.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`

	// Levels are those that hold files, in order.
	Levels []Level `json:"levels"`

	// Restore is the newest state that can be restored; nil if there is none.
	Restore *State `json:"restore"`

	// RestoreUnknown says that what can be restored was not found out. Restore
	// is nil then, and says nothing.
	RestoreUnknown bool `json:"restore_unknown"`

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

	// SkipDamaged says that restore.Config.SkipDamaged is needed: files that
	// would be used are damaged, or of another history.
	SkipDamaged bool `json:"skip_damaged,omitzero"`

	// ByTXID says that it is not what a restore of the newest state gives, but
	// has to be asked for: as restore.Target.TXID.
	ByTXID bool `json:"by_txid,omitzero"`
}

// how returns what a restore has to be told: the command's flags.
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

	// KindTorn is a file that ends too early, or has no bytes. Error.
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

	// KindHistory is a file that was made for another database, or leaves
	// another, than another file of any level says: two daemons have written to one
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
