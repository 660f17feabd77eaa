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

// Plan is the list of files to restore a state from.
type Plan struct {
	Target Target

	// Files are in the order of their transactions: the first starts with
	// transaction 1, and each of the others continues or overlaps the previous one.
	// CreatedAt is the header's time if the target is a time, and otherwise that of
	// a listing without metadata.
	Files []*ltx.FileInfo

	// PastEnd means that Target.Before is later than every transaction in the
	// replica, so that the state is the newest.
	PastEnd bool

	// Torn are zero-byte files, left by interrupted uploads, which listings leave
	// out. The plan does not need them, but transactions after its last may have
	// been in one.
	Torn []ltx.FileInfo

	// believed means that the times of some files were not read, but assumed to be
	// before the target.
	believed bool
}

// TXID returns the transaction that the plan restores to.
func (p *Plan) TXID() ltx.TXID { return p.Files[len(p.Files)-1].MaxTXID }

// Size returns the total size of the files, in bytes.
func (p *Plan) Size() (n int64) {
	for _, info := range p.Files {
		n += info.Size
	}
	return n
}

// NewPlan finds the files to restore target from, on all levels (see
// [ltxstore.Levels]). It repeatedly chooses the file that reaches furthest, and of
// several the one that starts last, so that no other plan has fewer files, provided
// that files of level 0 have one transaction each. Gaps of one level are filled from
// the others. skip, if not nil, excludes the files for which it returns true, for
// example damaged ones.
//
// If the replica does not contain the target, the error is an *UnreachableError. It
// is also returned if the newest state, or the target time, is after a gap: an older
// state is never restored silently. Before it is returned, everything is listed
// again, because compaction and retention move files in the meantime.
//
// NewPlan costs one listing of each level, without metadata: of only the snapshots if
// one ends with Target.TXID; otherwise LTXLevels and all levels except 0, concurrently
// and as far as needed; then level 0, which may contain every transaction, from where
// the levels above end, or from its start if no file starts there. (This requires that
// files of level 0 do not overlap.) For a target time, the header (100 bytes) is read
// of each file that the plan contains, or would contain except for its time, one after
// the other. Of snapshots these are the two between which the target time is according
// to the store; if its times do not tell, as in a copy of a replica, more than two
// snapshots are listed again with metadata. It also costs an OpenLTXFile for each
// zero-byte file, which a mirror may have elsewhere. It needs the memory of the plan and
// of one page of each listing.
//
// If a file is deleted before its header is read, NewPlan starts over, at most three
// times; then it fails with ltxstore.ErrUnavailable. If client is nil, or both fields
// of target are set, it fails with fs.ErrInvalid.
func NewPlan(ctx context.Context, client ltxstore.ReplicaClient, target Target, skip func(*ltx.FileInfo) bool) (*Plan, error) {
	if err := checkClient(client); err != nil {
		return nil, err
	}
	if err := target.check(); err != nil {
		return nil, failed(client, target.String(), err)
	}
	return newPlan(ctx, client, target, skip, nil, false)
}

// newPlan is NewPlan with more options. damaged, if not nil, is called with each file
// whose header is damaged, which is then skipped. With believe, the target time is
// found by bisection, and files before it are assumed to be in time, which the restore
// checks. If that does not reach the target, newPlan tries again without believe.
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

// maxAttempts limits how often a plan is made because files are deleted.
const maxAttempts = 4

func checkClient(client ltxstore.ReplicaClient) error {
	if client == nil {
		return fmt.Errorf("restore: client is nil: want a ReplicaClient: %w", fs.ErrInvalid)
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
	believe  bool // bisect instead of reading every header: see times

	stage   int // number of calls of descend
	cursors []*cursor
	torn    ltxio.TornFiles
	files   []*ltx.FileInfo
	reached ltx.TXID

	// Of the files that would continue the plan but are after the target: the one
	// that reaches furthest, and of those with transaction 1 the one that ends
	// first.
	behind, oldest *ltx.FileInfo
	seen           atomic.Bool // there is any file
	guessed        bool        // the plan has files that are assumed to be in time

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
			_ = c.files.Close() // its error was already returned
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

// plan returns the plan if the files reach the target, and otherwise an
// *UnreachableError. beyond is the first transaction of all files after a gap, or 0
// if there are none.
func (p *planner) plan(beyond ltx.TXID) (*Plan, error) {
	plan := &Plan{Target: p.target, Files: p.files, Torn: p.torn.Lost(p.ctx, p.client), believed: p.guessed}
	if err := p.miss(beyond, plan.Torn); err != nil {
		return nil, failed(p.client, p.target.String(), err)
	}
	plan.PastEnd = !p.target.Before.IsZero() && (p.behind == nil || p.behind.MaxTXID <= p.reached)
	return plan, nil
}

// next returns the file that continues the plan, or nil if there is none.
func (p *planner) next() (*ltx.FileInfo, error) {
	for {
		best, err := p.best()
		if err != nil {
			return nil, err
		}
		// As long as only the snapshots are listed, other levels may reach further.
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

// best returns the cursor with the file that reaches furthest, or nil if no file
// continues the plan.
func (p *planner) best() (best *cursor, err error) {
	for _, c := range p.cursors {
		if err := c.advance(); err != nil {
			return nil, err
		}
		if err := c.narrow(); err != nil {
			return nil, err
		}
		if c.top() != nil && (best == nil || compare(c.top(), best.top()) > 0) {
			best = c
		}
	}
	return best, nil
}

// descend lists further levels: the snapshots, then all others except level 0, then
// level 0. The first two steps are one unless the target is a transaction, which the
// snapshots alone may reach. It returns false if all levels are listed.
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

// openCompacted lists all levels except 0 and that of the snapshots, and also those in
// levels. Levels above the usual ones are known only after these are listed.
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

// openTransactions lists level 0. If a file starts with the last transaction of the
// plan, files that start earlier do not go beyond it and are not listed.
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

// open lists levels concurrently, and waits for the first file of each.
func (p *planner) open(seek ltx.TXID, levels ...int) error {
	cursors := make([]*cursor, len(levels))
	err := flow.All(p.ctx, len(levels), len(levels), func(_ context.Context, i int) error {
		files, err := p.client.LTXFiles(p.ctx, levels[i], seek, false)
		if err != nil {
			return err
		}
		cursors[i] = &cursor{p: p, level: levels[i], files: files}
		return cursors[i].peek()
	})
	for _, c := range cursors {
		if c != nil {
			p.cursors = append(p.cursors, c)
		}
	}
	return err
}

// exclude records a file that continues the plan but is after the target.
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
		// The history continues after the target time, which is therefore reached.
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

// beyond returns the first transaction of all files after a gap, or 0 if there are
// none.
func (p *planner) beyond() (first ltx.TXID) {
	for _, c := range p.cursors {
		if c.ahead != nil && (first == 0 || c.ahead.MinTXID < first) {
			first = c.ahead.MinTXID
		}
	}
	return first
}

// time returns a file's time for the text of an error, or zero if it is unknown.
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
