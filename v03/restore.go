package v03

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/restore"
)

// RestoreConfig is the configuration of Restore.
type RestoreConfig struct {
	Target Target

	// Overwrite, Mode and Check are as in restore.Config.
	Overwrite bool
	Mode      fs.FileMode
	Check     func(ctx context.Context, path string) error

	// SkipDamaged restores what precedes a damaged or missing segment, and uses an older
	// snapshot if one is damaged. Without it, damage is an error.
	SkipDamaged bool

	// Concurrency is the number of files that are open at a time. 0 means 16.
	Concurrency int

	// Progress, if not nil, is called after each file.
	Progress func(Progress)
}

// Progress is the progress of a restore or a conversion.
type Progress struct {
	Files, TotalFiles int
	Bytes, TotalBytes int64 // of files, as stored
}

const defaultConcurrency = 16

// Result describes what was restored.
type Result struct {
	Generation string `json:"generation"`
	Snapshot   int    `json:"snapshot"` // the index of the snapshot that was used

	// Index and Offset are the WAL file in which the last transaction ends, and where it
	// ends. Offset is 0 if no transaction was applied to the snapshot.
	Index  int   `json:"index"`
	Offset int64 `json:"offset"`

	// Time is when the file with the last transaction was stored.
	Time time.Time `json:"time"`

	Files        int    `json:"files"`        // read
	Bytes        int64  `json:"bytes"`        // of them, as stored
	Transactions int    `json:"transactions"` // applied to the snapshot
	PageSize     uint32 `json:"page_size"`
	Pages        uint32 `json:"pages"`

	// Uncommitted is the number of frames at the ends of WAL files that belong to an
	// incomplete transaction. SQLite ignores them too.
	Uncommitted int64 `json:"uncommitted,omitzero"`

	// LeftOut are the files that SkipDamaged skipped.
	LeftOut []*DamageError `json:"left_out,omitempty"`
}

// Restore restores a state of the database to path, whose directory must exist, as
// restore.File does. The database is byte for byte what Litestream v0.3 restores.
//
// It uses the newest snapshot of the generation that was stored by the target's time, and
// the segments from its index up to the first one that was stored later. If a file is
// damaged or missing, Restore fails with a *DamageError and writes nothing, unless
// SkipDamaged is set. A replica without a snapshot is an *EmptyError.
//
// A snapshot may already have pages of later transactions in its WAL file: as with v0.3
// itself, a state soon after a snapshot may be a mixture, until all segments that were
// stored by the time of the snapshot are applied.
//
// It costs Generations, ReadGeneration for each of them, and one request for each file. It
// needs 64 bytes of memory for the name of each file, a page, a frame, and two LZ4 blocks
// for each open file. A transaction of more than 1 MiB is kept in a file next to the
// temporary database until it is complete.
func Restore(ctx context.Context, client ltxstore.ReplicaClient, path string, cfg RestoreConfig) (*Result, error) {
	if cfg.Concurrency < 0 {
		return nil, fmt.Errorf("RestoreConfig.Concurrency is %d: want 0 (%d) or more: %w", cfg.Concurrency, defaultConcurrency, fs.ErrInvalid)
	}
	g, err := choose(ctx, client, cfg.Target)
	if err != nil {
		return nil, err
	}
	var result *Result
	out := restore.Config{Overwrite: cfg.Overwrite, Mode: cfg.Mode, Check: cfg.Check}
	err = restore.File(ctx, path, out, func(file *os.File) (err error) {
		result, err = restoreTo(ctx, client, file, g, cfg)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// restoreTo writes the database to a file.
func restoreTo(ctx context.Context, client ltxstore.ReplicaClient, file *os.File, g *Generation, cfg RestoreConfig) (*Result, error) {
	var leftOut []*DamageError
	for _, s := range g.newestFirst() {
		result, err := restoreFrom(ctx, client, file, g, s, cfg)
		damage := new(DamageError)
		if !cfg.SkipDamaged || !errors.As(err, &damage) {
			if err != nil {
				return nil, err
			}
			result.LeftOut = append(leftOut, result.LeftOut...)
			return result, nil
		}
		leftOut = append(leftOut, damage)
		if err := file.Truncate(0); err != nil {
			return nil, err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return nil, leftOut[0]
}

// restoreFrom writes the database from a snapshot and the segments after it. With
// SkipDamaged, only damage of the snapshot is an error.
func restoreFrom(ctx context.Context, client ltxstore.ReplicaClient, file *os.File, g *Generation, s Snapshot, cfg RestoreConfig) (*Result, error) {
	list, gap := g.from(s)
	if gap != nil && !cfg.SkipDamaged {
		return nil, gap
	}
	h := newHistory(ctx, client, s, list, cmp.Or(cfg.Concurrency, defaultConcurrency), cfg.Progress)
	defer h.close()
	db := &database{f: file, pending: spool{name: file.Name() + "-journal"}}
	if err := h.snapshot(db); err != nil {
		return nil, err
	}
	result := &Result{Generation: g.Name, Snapshot: s.Index, Index: s.Index, Time: s.CreatedAt}
	db.after = func(uint32) error {
		result.Index, result.Offset, result.Time = h.segments.index, db.end, h.segments.cur.CreatedAt
		return nil
	}
	for h.segments.more() {
		uncommitted, err := db.wal(h.segments)
		result.Uncommitted += uncommitted
		damage := new(DamageError)
		if err = damagedSegment(h.segments.cur, err); errors.As(err, &damage) && cfg.SkipDamaged {
			result.LeftOut, gap = append(result.LeftOut, damage), nil
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if gap != nil {
		result.LeftOut = append(result.LeftOut, gap)
	}
	result.Files, result.Bytes = h.Files, h.Bytes
	result.Transactions, result.PageSize, result.Pages = db.commits, db.pageSize, db.pages
	return result, nil
}

// history reads a snapshot and the segments after it, which it opens in advance.
type history struct {
	Progress
	report   func(Progress)
	snap     Snapshot
	files    *ahead
	segments *segments
}

func newHistory(ctx context.Context, client ltxstore.ReplicaClient, s Snapshot, list []Segment, limit int, report func(Progress)) *history {
	h := &history{report: report, snap: s}
	h.TotalFiles, h.TotalBytes = len(list)+1, s.Size
	for _, seg := range list {
		h.TotalBytes += seg.Size
	}
	h.files = newAhead(ctx, len(list)+1, limit, func(ctx context.Context, i int) (io.ReadCloser, error) {
		if i == 0 {
			return s.open(ctx, client)
		}
		return list[i-1].open(ctx, client)
	})
	h.segments = &segments{left: list, ahead: h.files, done: func(seg Segment) { h.read(seg.Size) }}
	return h
}

// snapshot writes the snapshot's database.
func (h *history) snapshot(db *database) error {
	rc, err := h.files.next()
	if err == nil {
		err = errors.Join(db.snapshot(rc), rc.Close())
	}
	if err != nil {
		return damagedSnapshot(h.snap, err)
	}
	h.read(h.snap.Size)
	return nil
}

func (h *history) read(size int64) {
	h.Files++
	h.Bytes += size
	if h.report != nil {
		h.report(h.Progress)
	}
}

func (h *history) close() { h.segments.close() }
