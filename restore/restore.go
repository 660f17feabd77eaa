package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// Config says what Run restores, and how. The zero value restores the newest
// state into a new file.
type Config struct {
	// Target is the state that is wanted.
	Target Target

	// Overwrite replaces a database that is there already, in one step, and
	// removes its -wal, -shm and -journal when the new one is durable. If it
	// fails, all of them are there as before. Nothing may have the old database
	// open. The new one gets its owner and group; where that is not permitted,
	// Run fails before it reads anything. Without Overwrite, any of these files
	// is fs.ErrExist.
	Overwrite bool

	// Mode is the database's permissions, whatever the umask. 0 means those of the
	// database that is replaced, or 0644.
	Mode fs.FileMode

	// Concurrency is how many files are open at once: 0 means 16, 1 one after
	// the other. It hides the latency of opening; the bytes are read in order.
	Concurrency int

	// Skip, if not nil, excludes files from the plan; see NewPlan.
	Skip func(*ltx.FileInfo) bool

	// SkipDamaged restores from the other files what they give, where files are
	// damaged or of another history than those that reach furthest. Without it
	// such a file fails the restore. The state is the newest, or the target,
	// that can be put together; where that leaves a gap before files that go
	// on, Run fails with an *UnreachableError. Each time that files have to be
	// left out costs another restore; once two histories are found, the header
	// and the trailer of every file are read.
	SkipDamaged bool

	// Progress, if not nil, is called after the plan is made, after each file
	// and after about each MiB that is read, by one goroutine at a time. When
	// a plan is made anew it starts from zero.
	Progress func(Progress)

	// Check, if not nil, looks at the database before it gets its name: with
	// PRAGMA integrity_check, say. Its error ends the restore, and nothing
	// stays. It must not change the database. What SQLite leaves beside path
	// (-wal, -shm, -journal) is removed.
	Check func(ctx context.Context, path string) error
}

// Progress is how far a restore has come.
type Progress struct {
	Files, TotalFiles int
	Bytes, TotalBytes int64 // of LTX files
}

// Result is what was restored.
type Result struct {
	// TXID is the last transaction, Time its header's time.
	TXID ltx.TXID  `json:"txid"`
	Time time.Time `json:"time"`

	// Files and Bytes are what was read.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`

	// PageSize in bytes and Pages are the database's.
	PageSize uint32 `json:"page_size"`
	Pages    uint32 `json:"pages"`

	// Checksum is the database's rolling checksum, which was compared with
	// that in the last file, if the files carry them; Litestream's do not, and
	// then it is 0. Each file's own checksum is always verified.
	Checksum ltx.Checksum `json:"checksum,omitzero"`

	// PastEnd says that Config.Target.Before is later than every transaction
	// that the replica holds, so that this is the newest state.
	PastEnd bool `json:"past_end,omitzero"`

	// LeftOut are files that would have been used, but are not whole: those of
	// no bytes, which listings leave out, and what SkipDamaged has skipped.
	// Transactions after TXID may have been in one.
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

const defaultConcurrency = 16

// Run restores a state of the database to path, whose directory must exist.
//
// The database is written to a temporary file beside path, fsynced, checked
// and then given its name, without replacing another unless told to. An error
// or the end of ctx leaves nothing behind. (If the fsync of the directory is
// what fails, the database is there, whole, beside the error.)
//
// A process that is killed leaves its temporary, <name>.<16 digits>.restore. The
// next Run with that path removes it, and puts back what had been set aside of a
// database that was to be replaced; a Run with another path in that directory does
// so after a day. A temporary that a running process has is locked, and stays.
//
// A file that is deleted after it was planned, by retention or compaction,
// makes Run plan anew, for the same target, three times at most. A file that
// is damaged, or that does not continue the one before it (their checksums
// tell, where files carry them), is ltxstore.ErrChecksum with the file's name.
//
// Cost: NewPlan's, but for a moment it reads about twice as many headers as the
// logarithm of the number of files: it believes files before one that is in time to
// be so too. Their headers tell when they are read whole; where clocks ran
// backwards it plans anew, with all headers. And one OpenLTXFile of each file, whole. The newest file is
// read first, and of each page only the newest version is written, so that
// writing costs the database's size, not the files'. Pages are decoded on all
// CPUs, and each byte is summed once for all checksums that it is part of. Memory
// is 512 KiB for each CPU, of eight at most, a buffer for each open file, and a bit
// for each page of the database.
func Run(ctx context.Context, client ltxstore.ReplicaClient, path string, cfg Config) (*Result, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, failed(client, path, err)
	}
	out := newOutput(path, cfg)
	if err := out.prepare(); err != nil {
		return nil, failed(client, path, err)
	}
	return attempts(ctx, client, path, cfg, func(plan *Plan) (*Result, error) { return execute(ctx, client, plan, out, cfg) })
}

// DryRun does what Run does, at the same cost, but writes no database: that it
// succeeds says that Run with cfg does, as long as the replica is not changed and the
// disk suffices. Overwrite, Mode and Check do not matter.
func DryRun(ctx context.Context, client ltxstore.ReplicaClient, cfg Config) (*Result, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, failed(client, cfg.Target.String(), err)
	}
	return attempts(ctx, client, cfg.Target.String(), cfg, func(plan *Plan) (*Result, error) { return dryRun(ctx, client, plan, cfg) })
}

func dryRun(ctx context.Context, client ltxstore.ReplicaClient, plan *Plan, cfg Config) (*Result, error) {
	db := newDatabase(plan)
	if err := readFiles(ctx, client, plan, cfg, db.apply); err != nil {
		return nil, err
	}
	if err := db.finish(); err != nil {
		return nil, failed(client, plan.Target.String(), err)
	}
	return db.result(plan), nil
}

func (cfg Config) check() error {
	switch {
	case cfg.Concurrency < 0:
		return fmt.Errorf("Config.Concurrency is %d: want 0 (%d) or more: %w", cfg.Concurrency, defaultConcurrency, fs.ErrInvalid)
	case cfg.Mode&^fs.ModePerm != 0:
		return fmt.Errorf("Config.Mode is %v: want permissions only: %w", cfg.Mode, fs.ErrInvalid)
	}
	return cfg.Target.check()
}

// execute restores a plan.
func execute(ctx context.Context, client ltxstore.ReplicaClient, plan *Plan, out *output, cfg Config) (*Result, error) {
	db := newDatabase(plan)
	err := out.write(ctx, cfg, func(file *os.File) error {
		db.disk = &pageWriter{f: file}
		if err := readFiles(ctx, client, plan, cfg, db.apply); err != nil {
			return &sourceError{err}
		}
		return db.finish()
	})
	if source := new(sourceError); errors.As(err, &source) {
		return nil, source.error
	}
	if err != nil {
		return nil, failed(client, out.path, err)
	}
	return db.result(plan), nil
}

func (d *database) result(plan *Plan) *Result {
	return &Result{
		TXID: d.last.MaxTXID, Time: time.UnixMilli(d.last.Timestamp).UTC(),
		Files: len(plan.Files), Bytes: plan.Size(),
		PageSize: d.last.PageSize, Pages: d.last.Commit, Checksum: d.wanted,
		PastEnd: plan.PastEnd,
	}
}
