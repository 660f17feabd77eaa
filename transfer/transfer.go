package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// Config is the configuration of Run. The zero value copies all files that the destination
// does not have.
type Config struct {
	// Levels are the levels to copy, in this order. Nil means all (see ltxstore.Levels),
	// in ascending order.
	Levels []int

	// Content compares files that both sides have by their bytes instead of their sizes,
	// which reads both.
	Content bool

	// Replace overwrites files of the destination that differ. Otherwise these fail with
	// fs.ErrExist, and the others are copied.
	Replace bool

	// CopyDamaged copies damaged LTX files too. Otherwise, each file is verified as it is
	// copied, and damaged ones are skipped. Files with an invalid header are never copied,
	// because the destination rejects them (clause W7).
	CopyDamaged bool

	// DryRun does everything except reading and writing files.
	DryRun bool

	// Concurrency is how many files are copied at a time. 0 means 8.
	Concurrency int

	// Each, if not nil, is called with the outcome of each file, in the order of the
	// listing, by one goroutine at a time.
	Each func(Outcome)
}

const defaultConcurrency = 8

// Run copies the files of src to dst and returns a report.
//
// It skips files that dst has with the same size (with Content: the same bytes), so that an
// interrupted copy continues where it stopped; an interrupted write leaves no file (clause
// W3). A file is written only if it has the listed size and, if it starts as an LTX file, is
// undamaged and contains the transactions in its name. An empty file counts as damaged,
// unless another replica of a mirror has it. The times of LTX files are kept, because they
// are in the header; other files get the time of the copy (clause T2).
//
// The error is nil if dst has all files; package verify checks whether they are undamaged
// there. Otherwise the error wraps a *ltxstore.PartialError with the failures, or is that of
// ctx, and the Report says what was done. If cfg is invalid or a client is nil, Run fails
// with fs.ErrInvalid and returns no Report.
//
// A daemon may be using the source. Levels are copied in ascending order, so that files that
// compaction moves are found on the next level. Run again to copy files that were written in
// the meantime.
//
// Run costs LTXLevels and a listing of each level without metadata on both sides, one
// OpenLTXFile and one WriteLTXFile for each copied file, and with Content two OpenLTXFile for
// each file that both sides have. It needs memory for a page of each listing, and whatever
// the clients need for Concurrency files.
func Run(ctx context.Context, dst, src ltxstore.ReplicaClient, cfg Config) (*Report, error) {
	switch {
	case dst == nil:
		return nil, fmt.Errorf("copy: dst is nil: want a ReplicaClient: %w", fs.ErrInvalid)
	case src == nil:
		return nil, fmt.Errorf("copy: src is nil: want a ReplicaClient: %w", fs.ErrInvalid)
	}
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	c := &copier{dst: dst, src: src, cfg: cfg,
		report: Report{Files: make(map[Action]int), Bytes: make(map[Action]int64), Failures: []Failure{}}}
	levels, err := c.levels(ctx)
	if err != nil && ctx.Err() == nil {
		c.report.fail(-1, 0, 0, err)
	}
	for _, level := range levels {
		if err := c.level(ctx, level); err != nil && ctx.Err() == nil {
			c.report.fail(level, 0, 0, err)
		}
	}
	if err := flow.Err(ctx); err != nil {
		return &c.report, fmt.Errorf("copy: %w", err)
	}
	return &c.report, c.report.err()
}

func (cfg Config) check() error {
	if cfg.Concurrency < 0 {
		return fmt.Errorf("Config.Concurrency is %d: want 0 (%d) or more: %w", cfg.Concurrency, defaultConcurrency, fs.ErrInvalid)
	}
	for _, level := range cfg.Levels {
		if err := backend.CheckLevel(level); err != nil {
			return fmt.Errorf("Config.Levels: %w", err)
		}
	}
	return nil
}

type copier struct {
	dst, src ltxstore.ReplicaClient
	cfg      Config
	report   Report
}

// levels returns the levels to copy: by default those of both sides, to count Extra files.
func (c *copier) levels(ctx context.Context) ([]int, error) {
	if err := flow.Err(ctx); err != nil || c.cfg.Levels != nil {
		return c.cfg.Levels, err
	}
	levels, err := ltxstore.Levels(ctx, c.src)
	if err != nil {
		return nil, err
	}
	there, err := ltxstore.Levels(ctx, c.dst)
	if err != nil {
		return nil, err
	}
	levels = append(levels, there...)
	slices.Sort(levels)
	return slices.Compact(levels), nil
}

// level copies a level. It merges the listings of both sides, which are sorted in the same
// way.
func (c *copier) level(ctx context.Context, level int) (err error) {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	var lost ltxio.TornFiles
	from, err := list(ltxstore.WithTorn(ctx, lost.Add), c.src, level)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	to, err := list(ctx, c.dst, level)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()

	line := flow.Line[Outcome]{Limit: cmp.Or(c.cfg.Concurrency, defaultConcurrency), Take: func(o Outcome) {
		if o.Err != nil && ctx.Err() != nil {
			return // it was interrupted
		}
		c.report.add(o)
		if c.cfg.Each != nil {
			c.cfg.Each(o)
		}
	}}
	defer line.Wait()
	for from.file != nil && ctx.Err() == nil {
		for to.file != nil && compare(to.file, from.file) < 0 {
			c.report.Extra++
			to.next()
		}
		if to.err != nil {
			return to.err // unlisted files may exist
		}
		source, there := from.file, (*ltx.FileInfo)(nil)
		if to.file != nil && compare(to.file, source) == 0 {
			there = to.file
			to.next()
		}
		line.Do(func() Outcome {
			action, err := c.file(ctx, source, there)
			return Outcome{action, *source, err}
		})
		from.next()
	}
	for _, info := range lost.Lost(ctx, c.src) {
		line.Do(func() Outcome {
			action, err := c.torn(&info)
			return Outcome{action, info, err}
		})
	}
	if ctx.Err() == nil && from.err == nil {
		for ; to.file != nil; to.next() {
			c.report.Extra++
		}
	}
	return errors.Join(from.err, to.err)
}

// listing is the files of a level, one at a time.
type listing struct {
	files ltx.FileIterator
	file  *ltx.FileInfo // nil at the end
	err   error
}

func list(ctx context.Context, client ltxstore.ReplicaClient, level int) (*listing, error) {
	files, err := client.LTXFiles(ctx, level, 0, false)
	if err != nil {
		return nil, err
	}
	l := &listing{files: files}
	l.next()
	return l, nil
}

func (l *listing) next() {
	if l.file = nil; l.files.Next() {
		l.file = l.files.Item()
	} else {
		l.err = l.files.Err()
	}
}

// close closes the listing. It does not return the error of next again.
func (l *listing) close() error {
	if err := l.files.Close(); l.err == nil {
		return err
	}
	return nil
}

func compare(a, b *ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}
