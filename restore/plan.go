package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// Plan is the files that a state is made of.
type Plan struct {
	Target Target

	// Files are in the order in which they happened: the first begins with
	// transaction 1, each other continues, or overlaps, the one before it.
	// CreatedAt is the header's time where the target is a moment, else what
	// the listing says without metadata.
	Files []*ltx.FileInfo

	// PastEnd says that Target.Before is later than every transaction that the
	// replica holds, so that the state is the newest.
	PastEnd bool

	// Torn are files of no bytes that the listings left out: of uploads that
	// broke off. The plan makes do without them, but transactions after its last
	// may have been in one.
	Torn []ltx.FileInfo

	// believed says that there are files of which the time is not known, but
	// believed to be before the target.
	believed bool
}

// TXID returns the transaction that the plan restores to.
func (p *Plan) TXID() ltx.TXID { return p.Files[len(p.Files)-1].MaxTXID }

// Size returns how many bytes are read to restore it.
func (p *Plan) Size() (n int64) {
	for _, info := range p.Files {
		n += info.Size
	}
	return n
}

// NewPlan finds the files to restore target from, on all levels (see
// ltxstore.Levels). At each step it takes the file that goes furthest, of
// those the one that begins last, so that no other plan has fewer files (as long as the files
// of level 0, which is looked at last, hold one transaction each). What one level
// lacks is filled from any other. skip, if not nil, excludes
// the files for which it is true, damaged ones for example.
//
// A target that the replica does not hold is an *UnreachableError. It is also
// one when the newest state, or a moment, lies behind a gap: an older state is
// never restored in silence. Before it is returned, everything is listed once
// more, because compaction and retention move files while they are listed.
//
// Cost: one listing of each level, in requests of pages, without metadata: the
// snapshots alone if one ends with Target.TXID; LTXLevels and all other levels but 0, at
// once, up to where they are needed; then level 0, which may hold every transaction there
// ever was, from where the levels above end, or from its start if no file begins there.
// (That is exact as long as level 0 does not overlap itself.) For a moment, the snapshots are listed with metadata, and
// of other files the header (100 bytes) is read for each one that the plan
// takes, and each that it would have taken but for its time, one at a time.
// An OpenLTXFile for each file of no bytes that was met, which a mirror may have
// elsewhere, comes to it. Memory is that of the plan and of one page of each listing.
//
// Where a file is gone when its header is to be read, it is planned anew, at most three times;
// after that it is ltxstore.ErrUnavailable. A nil client, and a Target with both fields, are
// fs.ErrInvalid.
func NewPlan(ctx context.Context, client ltxstore.ReplicaClient, target Target, skip func(*ltx.FileInfo) bool) (*Plan, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := target.check(); err != nil {
		return nil, failed(client, target.String(), err)
	}
	return newPlan(ctx, client, target, skip, nil, false)
}

// newPlan is NewPlan. damaged, if not nil, is called with a file whose header
// is damaged, which is skipped then. With believe, where a moment lies is looked for,
// and files before it are believed to be in time: the restore tells. A target that is not
// reached so is looked for once more without.
func newPlan(ctx context.Context, client ltxstore.ReplicaClient, target Target, skip func(*ltx.FileInfo) bool, damaged func(*ltx.FileInfo, error), believe bool) (*Plan, error) {
	for attempt := 1; ; attempt++ {
		p := newPlanner(ctx, client, target, skip)
		p.damaged, p.thorough, p.believe = damaged, attempt > 1, believe
		plan, err := p.run()
		unreachable, gone := new(UnreachableError), new(goneError)
		missed, vanished := errors.As(err, &unreachable), errors.As(err, &gone)
		switch again := vanished || missed && (attempt == 1 || p.guessed); {
		case again && attempt < maxAttempts:
			believe = believe && !missed
		case vanished:
			return nil, vanishing(client, target.String(), err)
		default:
			return plan, err
		}
	}
}

// maxAttempts bounds how often a plan is made anew because files go away.
const maxAttempts = 4

func checkClient(client ltxstore.ReplicaClient) error {
	if client == nil {
		return fmt.Errorf("restore: client is nil: want the replica's client: %w", fs.ErrInvalid)
	}
	return nil
}

// planner is one attempt at a plan.
type planner struct {
	ctx      context.Context
	client   ltxstore.ReplicaClient
	target   Target
	skip     func(*ltx.FileInfo) bool
	damaged  func(*ltx.FileInfo, error)
	thorough bool // list level 0 from its start
	believe  bool // look for the moment, instead of reading every header: see times

	stage   int // how often it has descended
	cursors []*cursor
	torn    ltxio.TornFiles
	files   []*ltx.FileInfo
	reached ltx.TXID

	// Of the files that would have continued the plan and are behind the
	// target: one that goes furthest, and of those that begin the history the
	// one that ends first.
	behind, oldest *ltx.FileInfo
	seen           atomic.Bool // there is any file
	guessed        bool        // the plan has files that are believed to be in time

	known map[fileName]time.Time // of headers that were read
}

func newPlanner(ctx context.Context, client ltxstore.ReplicaClient, target Target, skip func(*ltx.FileInfo) bool) *planner {
	p := &planner{client: client, target: target, skip: skip}
	p.ctx = ltxstore.WithTorn(ctx, p.torn.Add)
	return p
}

func (p *planner) run() (*Plan, error) {
	defer func() {
		for _, c := range p.cursors {
			_ = c.files.Close() // what it failed with has been returned
		}
	}()
	for {
		info, err := p.next()
		if err != nil {
			return nil, err
		}
		if info == nil {
			break
		}
		p.files = append(p.files, info)
		p.reached = info.MaxTXID
		if p.reached == p.target.TXID {
			break
		}
	}
	return p.plan(p.beyond())
}

// plan returns the plan if the files reach the target, and else an
// *UnreachableError. beyond is the first transaction of all files behind a gap, 0
// if there are none.
func (p *planner) plan(beyond ltx.TXID) (*Plan, error) {
	plan := &Plan{Target: p.target, Files: p.files, Torn: p.torn.Lost(p.ctx, p.client), believed: p.guessed}
	if err := p.miss(beyond, plan.Torn); err != nil {
		return nil, failed(p.client, p.target.String(), err)
	}
	plan.PastEnd = !p.target.Before.IsZero() && (p.behind == nil || p.behind.MaxTXID <= p.reached)
	return plan, nil
}

// next returns the file that continues the plan, nil if there is none.
func (p *planner) next() (*ltx.FileInfo, error) {
	for {
		best, err := p.best()
		if err != nil {
			return nil, err
		}
		// Where there are only the snapshots yet, other levels may go further.
		if best == nil || p.stage == 1 && best.top().MaxTXID != p.target.TXID {
			if more, err := p.descend(); err != nil || !more {
				return nil, err
			}
			continue
		}
		info := best.take()
		switch wanted, err := p.inTime(best, info); {
		case err != nil:
			return nil, err
		case wanted:
			return info, nil
		}
	}
}

// best returns the cursor with the file that goes furthest, nil if none has a
// file that continues the plan.
func (p *planner) best() (best *cursor, err error) {
	for _, c := range p.cursors {
		if err := c.advance(); err != nil {
			return nil, err
		}
		if c.top() != nil && (best == nil || compare(c.top(), best.top()) > 0) {
			best = c
		}
	}
	return best, nil
}

// descend lists further levels: the snapshots, then all others but level 0, then that. Only
// a transaction may be reached by the snapshots alone; else they are listed with the others.
// It returns false if all are listed.
func (p *planner) descend() (more bool, err error) {
	switch p.stage++; {
	case p.stage == 1 && p.target.TXID != 0:
		err = p.open(0, ltxstore.SnapshotLevel)
	case p.stage == 1:
		p.stage++
		err = p.openCompacted(ltxstore.SnapshotLevel)
	case p.stage == 2:
		err = p.openCompacted()
	case p.stage == 3:
		err = p.openTransactions()
	default:
		return false, nil
	}
	return true, err
}

// openCompacted lists all levels but 0 and that of the snapshots, and those that are given.
// What is above the usual ones is known only when these are listed already.
func (p *planner) openCompacted(levels ...int) error {
	for level := 1; level < ltxstore.SnapshotLevel; level++ {
		levels = append(levels, level)
	}
	var found []int
	err := flow.All(p.ctx, 2, 2, func(_ context.Context, i int) (err error) {
		if i == 0 {
			return p.open(0, levels...)
		}
		found, err = ltxstore.Levels(p.ctx, p.client)
		return err
	})
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(level int) bool { return level <= ltxstore.SnapshotLevel })
	return p.open(0, found...)
}

// openTransactions lists level 0. If a file begins with the last transaction
// that is reached, none that begins earlier goes beyond it: the others can be
// left out.
func (p *planner) openTransactions() error {
	if p.reached > 1 && !p.thorough {
		if err := p.open(p.reached, 0); err != nil {
			return err
		}
		c := p.cursors[len(p.cursors)-1]
		if c.ahead != nil && c.ahead.MinTXID == p.reached {
			return nil
		}
		p.cursors = p.cursors[:len(p.cursors)-1]
		if err := c.files.Close(); err != nil {
			return err
		}
	}
	return p.open(0, 0)
}

// open lists levels, all at once, and waits for the first file of each.
func (p *planner) open(seek ltx.TXID, levels ...int) error {
	cursors := make([]*cursor, len(levels))
	err := flow.All(p.ctx, len(levels), len(levels), func(_ context.Context, i int) error {
		files, err := p.client.LTXFiles(p.ctx, levels[i], seek, p.timed(levels[i]))
		if err != nil {
			return err
		}
		cursors[i] = &cursor{p: p, files: files}
		return cursors[i].peek()
	})
	for _, c := range cursors {
		if c != nil {
			p.cursors = append(p.cursors, c)
		}
	}
	return err
}

// timed reports whether a level is listed with its files' times.
func (p *planner) timed(level int) bool {
	return !p.target.Before.IsZero() && level == ltxstore.SnapshotLevel
}

// exclude notes a file that continues the plan and is behind the target.
func (p *planner) exclude(info *ltx.FileInfo) {
	if p.behind == nil || p.behind.MaxTXID < info.MaxTXID {
		p.behind = info
	}
	if info.MinTXID == 1 && (p.oldest == nil || info.MaxTXID < p.oldest.MaxTXID) {
		p.oldest = info
	}
}

// miss returns an *UnreachableError unless the files reach the target.
func (p *planner) miss(beyond ltx.TXID, torn []ltx.FileInfo) error {
	e := &UnreachableError{Target: p.target, Last: p.reached, Empty: !p.seen.Load() && len(torn) == 0, LeftOut: leftOut(torn)}
	switch {
	case p.target.TXID != 0 && p.reached == p.target.TXID:
		return nil
	case p.behind != nil && p.behind.MaxTXID > p.reached:
		// History goes on, behind the target: that is the end of a moment.
		if p.target.TXID == 0 && p.reached > 0 {
			return nil
		}
		e.Within = p.behind
	default:
		if beyond == 0 && p.target.TXID == 0 && p.reached > 0 {
			return nil
		}
		if !e.Empty {
			e.Missing = p.reached + 1
			e.Until = beyond
		}
	}
	if p.oldest != nil {
		e.First = p.oldest.MaxTXID
		e.FirstTime = p.time(p.oldest)
	}
	if len(p.files) > 0 {
		e.LastTime = p.time(p.files[len(p.files)-1])
	}
	return e
}

// beyond returns the first transaction of all files behind a gap, 0 if there
// are none.
func (p *planner) beyond() (first ltx.TXID) {
	for _, c := range p.cursors {
		if c.ahead != nil && (first == 0 || c.ahead.MinTXID < first) {
			first = c.ahead.MinTXID
		}
	}
	return first
}

// time returns a file's time for an error's text, zero if it cannot be told.
func (p *planner) time(info *ltx.FileInfo) time.Time {
	if !p.target.Before.IsZero() {
		return info.CreatedAt
	}
	hdr, err := ltxstore.FetchLTXHeader(p.ctx, p.client, info)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(hdr.Timestamp).UTC()
}
