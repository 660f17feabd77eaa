package restore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// times finds the first file of a level that is later than the target time. It reads
// about 2·log₂(n) headers of n files, assuming that clocks did not run backwards. That
// is checked when the files are restored: see lateError.
type times struct {
	window int          // how many files are skipped at a time; 0 at first
	until  ltx.FileInfo // files up to this one are assumed to be in time
	found  bool         // the end is known: later files are examined one by one
}

// lateError is the error of a file that was assumed to be in time but is not.
type lateError struct{ error }

func (e *lateError) Unwrap() error { return e.error }

// believed reports whether a file is assumed to be in time, because a later one is.
func (c *cursor) believed(info *ltx.FileInfo) bool {
	if !c.p.believe || info.Level == ltxstore.SnapshotLevel {
		return false
	}
	before := func() bool { return inOrder(info, &c.times.until) <= 0 }
	if !c.times.found && !before() {
		c.times.search(c)
	}
	return before()
}

func inOrder(a, b *ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}

// search examines a file further on, twice as far each time. If that is late, it
// bisects the files before it. Errors are ignored: they occur again when files are
// examined one by one.
func (t *times) search(c *cursor) {
	if err := c.peek(); err != nil || c.ahead == nil {
		return
	}
	t.window = max(2*t.window, 1)
	for 1+len(c.queue) < t.window {
		info, err := c.read()
		if err != nil || info == nil {
			break // errors of iterators are permanent: it occurs again
		}
		c.queue = append(c.queue, info)
	}
	at := func(i int) *ltx.FileInfo {
		if i == 0 {
			return c.ahead
		}
		return c.queue[i-1]
	}
	inTime := func(i int) bool {
		known, err := c.p.lookUp(at(i))
		if t.found = t.found || err != nil; err != nil {
			return false
		}
		if !known.Before(c.p.target.Before) {
			return false
		}
		t.until = *at(i)
		return true
	}
	right, late := -1, min(t.window, 1+len(c.queue))-1
	if inTime(late) {
		return
	}
	t.found = true
	for late-right > 1 {
		if half := (right + late) / 2; inTime(half) {
			right = half
		} else {
			late = half
		}
	}
}

// lookUp returns a file's time, and reads its header if necessary.
func (p *planner) lookUp(info *ltx.FileInfo) (time.Time, error) {
	if known, ok := p.known[nameOf(info)]; ok {
		return known, nil
	}
	at, err := p.fetchTime(p.ctx, info)
	if err == nil {
		p.remember(info, at)
	}
	return at, err
}

func (p *planner) remember(info *ltx.FileInfo, at time.Time) {
	if p.known == nil {
		p.known = make(map[fileName]time.Time)
	}
	p.known[nameOf(info)] = at
}

// fetchTime reads a file's time from its header.
func (p *planner) fetchTime(ctx context.Context, info *ltx.FileInfo) (time.Time, error) {
	if err := flow.Err(ctx); err != nil {
		return time.Time{}, err
	}
	hdr, err := ltxstore.FetchLTXHeader(ctx, p.client, info)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(hdr.Timestamp).UTC(), nil
}

// inTime reports whether a file was written before the target time.
func (p *planner) inTime(c *cursor, info *ltx.FileInfo) (bool, error) {
	if p.target.Before.IsZero() {
		return true, nil
	}
	if c.believed(info) {
		p.guessed = true
		return true, nil
	}
	at, err := p.lookUp(info)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = &goneError{err}
	case errors.Is(err, ltxstore.ErrChecksum) && p.damaged != nil:
		p.damaged(info, err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info.CreatedAt = at
	if info.CreatedAt.Before(p.target.Before) {
		return true, nil
	}
	p.exclude(info)
	return false, nil
}
