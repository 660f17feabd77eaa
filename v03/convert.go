package v03

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// ConvertConfig is the configuration of Convert.
type ConvertConfig struct {
	// Generation is the generation to convert. Empty means the one with the newest file.
	// LTX files are one history: other generations are not converted.
	Generation string

	// SkipDamaged converts only what precedes a damaged or missing segment. Without it,
	// such a segment is an error.
	SkipDamaged bool

	// TempDir is the directory for the temporary database and for each LTX file before it
	// is written. Empty means os.TempDir.
	TempDir string

	// Concurrency is the number of files that are open at a time. 0 means 16.
	Concurrency int

	// Progress, if not nil, is called after each file that is read.
	Progress func(Progress)
}

// Conversion is what was converted.
type Conversion struct {
	Result

	// TXID is the last transaction, which has the state of Result. The first is 1.
	TXID ltx.TXID `json:"txid"`

	// Written is the number of LTX files that were written, and Skipped of those that
	// already existed.
	Written int `json:"written"`
	Skipped int `json:"skipped"`

	// Others are the generations that were not converted.
	Others []string `json:"others,omitempty"`
}

// Convert writes a generation to dst as LTX files: transaction 1 on level 0 is the database
// at the earliest snapshot from which the WAL is complete, and each segment with a
// transaction becomes the next file of level 0, with the time at which the segment was
// stored. A file of ltxstore.SnapshotLevel with the newest state comes last. Files contain
// the database's checksums. src is not changed.
//
// A snapshot may already have pages of later transactions in its WAL file. Transaction 1
// therefore includes the segments that complete a state which the database had.
//
// The same replica is always converted to the same files. If Convert was interrupted, the
// next call continues, and also adds what is new in the replica. If dst has a file of the
// same name with other content, or files but none of transaction 1, Convert fails with
// fs.ErrExist: convert to an empty place.
//
// Convert fails with a *DamageError as Restore does; files that were already written remain
// and are valid. It costs a request for each file, two for those of the first WAL file, and
// a WriteLTXFile for each segment. It needs the memory of Restore and 48 bytes for each page
// in the first WAL file, and disk space for the database and one compressed LTX file.
func Convert(ctx context.Context, dst, src ltxstore.ReplicaClient, cfg ConvertConfig) (*Conversion, error) {
	switch {
	case dst == nil:
		return nil, fmt.Errorf("dst is nil: want the destination's client: %w", fs.ErrInvalid)
	case cfg.Concurrency < 0:
		return nil, fmt.Errorf("ConvertConfig.Concurrency is %d: want 0 (%d) or more: %w", cfg.Concurrency, defaultConcurrency, fs.ErrInvalid)
	}
	g, err := choose(ctx, src, Target{Generation: cfg.Generation})
	if err != nil {
		return nil, err
	}
	c := &converter{dst: dst, src: src, cfg: cfg}
	if c.result.Others, err = others(ctx, src, g.Name); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(cfg.TempDir, "ltxstore-v03-")
	if err != nil {
		return nil, fmt.Errorf("directory for the database: %w", err)
	}
	c.dir = dir
	err = c.run(ctx, g)
	if removeErr := os.RemoveAll(dir); err == nil {
		err = removeErr
	}
	if err != nil {
		return nil, err
	}
	return &c.result, nil
}

func others(ctx context.Context, src ltxstore.ReplicaClient, name string) ([]string, error) {
	names, err := Generations(ctx, src)
	return slices.DeleteFunc(names, func(other string) bool { return other == name }), err
}

// converter is one call of Convert.
type converter struct {
	dst, src ltxstore.ReplicaClient
	cfg      ConvertConfig
	dir      string
	result   Conversion

	there map[string]int64 // the sizes of the destination's files

	h     *history
	db    *database
	page  []byte
	old   []byte
	floor int64 // the last segment of the first WAL file in transaction 1; -1: none

	dirty    bool    // transactions were applied since the last file
	seg      Segment // the segment of these transactions
	pageSize uint32
	sum      ltx.Checksum // of the database
	before   ltx.Checksum // with the last file
	touched  pageSet
}

func (c *converter) run(ctx context.Context, g *Generation) (err error) {
	if c.there, err = c.list(ctx); err != nil {
		return err
	}
	s, list, gap := earliest(g)
	if gap != nil && !c.cfg.SkipDamaged {
		return gap
	}
	file, err := os.OpenFile(filepath.Join(c.dir, "db"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	limit := cmp.Or(c.cfg.Concurrency, defaultConcurrency)
	c.h = newHistory(ctx, c.src, s, list, limit, c.cfg.Progress)
	defer c.h.close()
	c.db = &database{f: file, pending: spool{name: file.Name() + "-journal"}}
	if err := c.h.snapshot(c.db); err != nil {
		return err
	}
	c.result.Generation, c.result.Snapshot, c.result.Index, c.result.Time = g.Name, s.Index, s.Index, s.CreatedAt
	if c.floor, err = c.findFloor(ctx, s, list, limit); err != nil {
		return err
	}
	if c.floor < 0 && c.db.pages > 0 {
		if err := c.first(ctx, s.CreatedAt); err != nil {
			return err
		}
	}
	if err := c.segments(ctx, s); err != nil {
		return err
	}
	if gap != nil && len(c.result.LeftOut) == 0 {
		c.result.LeftOut = append(c.result.LeftOut, gap)
	}
	if c.result.TXID == 0 {
		return fmt.Errorf("generation %s ends before its first snapshot is complete, nothing can be converted: %w", g.Name, ltxstore.ErrChecksum)
	}
	if c.result.TXID > 1 {
		if err := c.whole(ctx, ltxstore.SnapshotLevel, c.result.TXID, c.result.Time); err != nil {
			return err
		}
	}
	c.result.Files, c.result.Bytes = c.h.Files, c.h.Bytes
	c.result.Transactions, c.result.PageSize, c.result.Pages = c.db.commits, c.db.pageSize, c.db.pages
	return nil
}

// earliest returns the earliest snapshot from which the WAL is complete or, if there is
// none, the one from which it reaches furthest.
func earliest(g *Generation) (best Snapshot, list []Segment, gap *DamageError) {
	for i, s := range g.Snapshots {
		segs, missing := g.from(s)
		if i == 0 || gap != nil && (missing == nil || reaches(segs, list)) {
			best, list, gap = s, segs, missing
		}
	}
	return best, list, gap
}

// reaches reports whether a ends after b.
func reaches(a, b []Segment) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) > 0
	}
	x, y := a[len(a)-1], b[len(b)-1]
	return cmp.Or(cmp.Compare(x.Index, y.Index), cmp.Compare(x.Offset, y.Offset)) > 0
}

// segments converts the WAL.
func (c *converter) segments(ctx context.Context, s Snapshot) error {
	c.db.before = func(pgno uint32, page []byte) error { return c.replace(ctx, pgno, page) }
	c.db.after = c.resize
	for c.h.segments.more() {
		uncommitted, err := c.db.wal(c.h.segments)
		c.result.Uncommitted += uncommitted
		err = damagedSegment(c.h.segments.cur, err)
		damage := new(DamageError)
		if err != nil && (!errors.As(err, &damage) || !c.cfg.SkipDamaged) {
			return err
		}
		if err := c.flush(ctx); err != nil {
			return err
		}
		if err != nil {
			c.result.LeftOut = append(c.result.LeftOut, damage)
			return nil
		}
	}
	return nil
}

// replace is called before a page is written.
func (c *converter) replace(ctx context.Context, pgno uint32, page []byte) error {
	if c.dirty && c.h.segments.cur != c.seg {
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
	if c.result.TXID == 0 || c.lock(pgno) {
		return nil
	}
	if c.db.pageSize != c.pageSize {
		return fmt.Errorf("the database's page size changes from %d to %d bytes, which a replica of LTX files does not support: %w", c.pageSize, c.db.pageSize, errors.ErrUnsupported)
	}
	c.touched.add(pgno)
	if pgno > c.db.pages {
		return nil // counted by resize
	}
	if err := c.db.read(pgno, c.old); err != nil {
		return err
	}
	c.toggle(pgno, c.old)
	c.toggle(pgno, page)
	return nil
}

// resize is called after a transaction was written.
func (c *converter) resize(was uint32) error {
	c.dirty, c.seg = true, c.h.segments.cur
	c.result.Index, c.result.Offset, c.result.Time = c.h.segments.index, c.db.end, c.seg.CreatedAt
	if c.result.TXID == 0 {
		return nil
	}
	return c.pages(min(was, c.db.pages)+1, max(was, c.db.pages), func(pgno uint32) error {
		if err := c.db.read(pgno, c.old); err != nil {
			return err
		}
		c.toggle(pgno, c.old)
		c.touched.add(pgno) // SQLite does not write freed pages immediately
		return nil
	})
}

// pages calls f with the pages from first to last, without SQLite's lock page, which LTX
// files do not contain.
func (c *converter) pages(first, last uint32, f func(pgno uint32) error) error {
	for pgno := first; pgno <= last; pgno++ {
		if c.lock(pgno) {
			continue
		}
		if err := f(pgno); err != nil {
			return err
		}
	}
	return nil
}

func (c *converter) toggle(pgno uint32, page []byte) {
	c.sum = ltx.ChecksumFlag | (c.sum ^ ltx.ChecksumPage(pgno, page))
}

func (c *converter) lock(pgno uint32) bool { return pgno == ltx.LockPgno(c.db.pageSize) }

// flush writes a file with the transactions that were applied since the last one.
func (c *converter) flush(ctx context.Context) error {
	if !c.dirty {
		return nil
	}
	c.dirty = false
	if c.result.TXID == 0 {
		if c.db.pages == 0 || c.seg.Index == c.result.Snapshot && c.seg.Offset < c.floor {
			return nil
		}
		return c.first(ctx, c.seg.CreatedAt)
	}
	txid := c.result.TXID + 1
	hdr := ltx.Header{Version: ltx.Version, PageSize: c.pageSize, Commit: c.db.pages, MinTXID: txid, MaxTXID: txid,
		Timestamp: c.seg.CreatedAt.UnixMilli(), PreApplyChecksum: c.before}
	err := c.write(ctx, 0, hdr, func(page func(uint32) error) error { return c.touched.each(c.db.pages, page) })
	c.result.TXID, c.before = txid, c.sum
	c.touched = pageSet{}
	return err
}

// first writes transaction 1.
func (c *converter) first(ctx context.Context, at time.Time) error {
	c.pageSize = c.db.pageSize
	c.page, c.old = make([]byte, c.pageSize), make([]byte, c.pageSize)
	c.sum = ltx.ChecksumFlag
	err := c.pages(1, c.db.pages, func(pgno uint32) error {
		if err := c.db.read(pgno, c.page); err != nil {
			return err
		}
		c.toggle(pgno, c.page)
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.whole(ctx, 0, 1, at); err != nil {
		return err
	}
	c.result.TXID, c.before = 1, c.sum
	return nil
}

// whole writes an LTX file of the whole database.
func (c *converter) whole(ctx context.Context, level int, txid ltx.TXID, at time.Time) error {
	hdr := ltx.Header{Version: ltx.Version, PageSize: c.pageSize, Commit: c.db.pages, MinTXID: 1, MaxTXID: txid, Timestamp: at.UnixMilli()}
	return c.write(ctx, level, hdr, func(page func(uint32) error) error { return c.pages(1, c.db.pages, page) })
}
