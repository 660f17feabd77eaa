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

// Config says what Run copies. The zero value copies all files that the
// destination does not have.
type Config struct {
	// Levels are those to copy, in this order; nil for all, from 0 up (see
	// ltxstore.Levels).
	Levels []int

	// Content compares the bytes of files that both sides have, and not only
	// their sizes: both are read.
	Content bool

	// Replace overwrites a file of the destination that differs. Without it
	// such a file fails with fs.ErrExist, and the others are copied.
	Replace bool

	// CopyDamaged copies LTX files as they are, whole or not. Without it each is
	// decoded on its way, and one that is damaged is left out. A header that is
	// not valid is refused by the destination all the same (clause W7).
	CopyDamaged bool

	// DryRun does everything but reading and writing bodies.
	DryRun bool

	// Concurrency is how many files are copied at once: 0 means 8.
	Concurrency int

	// Each, if not nil, is called with what became of each file, in the order
	// of the listing, by one goroutine at a time.
	Each func(Outcome)
}

const defaultConcurrency = 8

// Run copies the files of src to dst, and reports what it has done.
//
// A file that dst has with the same size (with Content: the same bytes) is
// skipped, so that a copy that was broken off goes on where it stopped; what
// was cut off in the middle is not there (clause W3). A body must have the
// listed size, and be a whole LTX file of its name if it begins as one, or it is
// not written. A file that has no bytes is reported as damaged too, unless it can be
// read from another replica of a mirror. Times are kept, because they are in the
// header; of a body without one (clause T2) dst gives its own.
//
// The error is nil if all files are at dst; package verify tells whether they are
// sound there. Else it has a *ltxstore.PartialError with the failures, or it is
// that of ctx, and the Report says what was done. A Config that cannot be
// right, and a client that is nil, are fs.ErrInvalid, without a Report.
//
// A source that a daemon writes to meanwhile can be copied: levels go from 0 up,
// so that what compaction takes away from one is met on the next. A second Run
// brings what was written during the first.
//
// Cost: LTXLevels and a listing of each level on both sides without metadata, one OpenLTXFile
// and one WriteLTXFile for each file copied, and with Content two OpenLTXFile
// for each that both have. Memory is a page of each listing, and for each file
// that is copied at once what the two clients need.
func Run(ctx context.Context, dst, src ltxstore.ReplicaClient, cfg Config) (*Report, error) {
	switch {
	case dst == nil:
		return nil, fmt.Errorf("copy: dst is nil: want the destination's client: %w", fs.ErrInvalid)
	case src == nil:
		return nil, fmt.Errorf("copy: src is nil: want the source's client: %w", fs.ErrInvalid)
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

// levels returns those to copy: by default those that either side has, because
// what the destination alone has is counted.
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

// level copies a level: both sides' listings, which are sorted alike, are read
// side by side.
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
			return // it was broken off
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
			return to.err // a file not listed is no file that is missing
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

// listing is a level's files, one at a time.
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

// close closes the listing; an error that next has met is not said twice.
func (l *listing) close() error {
	if err := l.files.Close(); l.err == nil {
		return err
	}
	return nil
}

func compare(a, b *ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}
