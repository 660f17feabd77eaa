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

// Config is the configuration of Run. The zero value restores the newest
// state to a new file.
type Config struct {
	// Target is the state to restore.
	Target Target

	// Overwrite replaces an existing database atomically, and removes its
	// -wal, -shm and -journal when the new one is durable. If Run fails, all
	// of them are as before. No process may have the old database open. The
	// new one gets the owner and group of the old one; if that is not
	// permitted, Run fails before it reads anything. Without Overwrite, the
	// existence of any of these files is fs.ErrExist.
	Overwrite bool

	// Mode is the permissions of the database, regardless of the umask. 0
	// means those of the replaced database, or 0644.
	Mode fs.FileMode

	// Concurrency is the maximum number of open files that are larger than 64 KiB;
	// with smaller ones, it is four times as many. 0 means 16, and 1 opens all files
	// one after the other. Opening in advance hides the latency. Smaller files are
	// read as soon as they are open, and larger ones in order; one that is not read
	// within two seconds is closed, and opened again later. The first larger one is
	// opened early, and its first 512 KiB are read.
	Concurrency int

	// Skip, if not nil, excludes files from the plan; see NewPlan.
	Skip func(*ltx.FileInfo) bool

	// SkipDamaged leaves out files that are damaged, or of another history
	// than those that reach furthest, and restores from the other files.
	// Without it, such a file fails the restore. The result is the newest
	// state, or the target, that the other files contain. If that leaves a
	// gap before later files, Run fails with an *UnreachableError. Each time
	// files are left out, the restore starts again; once two histories are
	// found, the header and the trailer of every file are read.
	SkipDamaged bool

	// Progress, if not nil, is called after the plan is made, after each file
	// and about once for each MiB that is read, by one goroutine at a time.
	// With a new plan, it starts from zero again.
	Progress func(Progress)

	// Check, if not nil, checks the database before it gets its name, for
	// example with PRAGMA integrity_check. If it returns an error, Run fails
	// and leaves nothing. It must not change the database. Files that SQLite
	// leaves for path (-wal, -shm, -journal) are removed.
	Check func(ctx context.Context, path string) error
}

// Progress is the progress of a restore.
type Progress struct {
	Files, TotalFiles int
	Bytes, TotalBytes int64 // of LTX files
}

// Result describes what was restored.
type Result struct {
	// TXID is the last transaction, and Time the time in its header.
	TXID ltx.TXID  `json:"txid"`
	Time time.Time `json:"time"`

	// Files and Bytes are the number of files and bytes that were read.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`

	// PageSize, in bytes, and Pages are those of the database.
	PageSize uint32 `json:"page_size"`
	Pages    uint32 `json:"pages"`

	// Checksum is the rolling checksum of the database, which was compared
	// with that in the last file. It is 0 if the files do not contain it, as
	// those of Litestream do not. The checksum of each file is always
	// verified.
	Checksum ltx.Checksum `json:"checksum,omitzero"`

	// PastEnd means that Config.Target.Before is later than every transaction
	// in the replica, so that this is the newest state.
	PastEnd bool `json:"past_end,omitzero"`

	// LeftOut are the files that would have been used but are not whole:
	// zero-byte files, which listings leave out, and files that SkipDamaged
	// skipped. They may have contained transactions after TXID.
	LeftOut []LeftOut `json:"left_out,omitempty"`
}

const defaultConcurrency = 16

// Run restores a state of the database to path, whose directory must exist.
//
// The database is written to a temporary file in the same directory, fsynced,
// checked and renamed. It replaces another file only with Overwrite. If Run
// fails or ctx ends, nothing is left behind. The exception is a failed fsync of the
// directory: Run then returns the error, but the whole database exists. The error
// matches fs.ErrNotExist only if the replica is empty (see [UnreachableError]), never
// because of a missing file or directory on the disk.
//
// A process that is killed leaves its temporary file, <name>.<16 digits>.restore. The
// next Run with the same path removes it and puts back the files of the old database
// that were set aside; a Run with another path in the same directory does so after a
// day. The temporary file of a running process is locked, and is not removed.
//
// If retention or compaction deletes a planned file, Run makes a new plan for the
// same target, at most three times. If a file is damaged, or according to its
// checksums does not continue the previous one, the error is ltxstore.ErrChecksum and
// names the file.
//
// Run costs NewPlan and one OpenLTXFile for each file of the plan. For a target time,
// it reads only about 2·log₂(n) headers of n files: it assumes that files before one
// that is in time are in time too, and checks that when it reads them. If clocks ran
// backwards, it makes a new plan with all headers. The newest file is read first, and
// only the newest version of each page is written, so that Run writes no more than the
// size of the database. Pages are decoded on all CPUs, and each byte is summed once for
// all checksums. Run needs 512 KiB of memory for each of at most eight CPUs, a buffer
// for each open file, 4 MiB for small files (see Config.Concurrency), and a bit for
// each page of the database.
func Run(ctx context.Context, client ltxstore.ReplicaClient, path string, cfg Config) (*Result, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, failed(client, path, err)
	}
	out := newOutput(path, cfg)
	if err := out.prepare(); err != nil {
		return nil, failed(client, path, &diskError{err})
	}
	return attempts(ctx, client, path, cfg, func(plan *Plan) (*Result, error) { return execute(ctx, client, plan, out, cfg) })
}

// DryRun is like Run, at the same cost, but does not write a database. If it
// succeeds, Run with cfg succeeds too, unless the replica changes or the disk is full.
// It does not use Overwrite, Mode and Check.
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
		db.disk = newPageWriter(file)
		if err := readFiles(ctx, client, plan, cfg, db.apply); err != nil {
			return &sourceError{err}
		}
		return db.finish()
	})
	if source := new(sourceError); errors.As(err, &source) {
		return nil, source.error
	}
	if err != nil {
		return nil, failed(client, out.path, &diskError{err})
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
