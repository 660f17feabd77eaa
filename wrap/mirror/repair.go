package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/transfer"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Report is what Repair has done.
type Report struct {
	// Files and Bytes were copied. A file that two replicas lacked counts twice.
	Files, Bytes int64

	// Conflicts are files that replicas have with different sizes. Nobody can tell
	// which is right, so that they are left as they are.
	Conflicts []Conflict

	// Damaged are the files that a replica has and that are no whole LTX files, as far
	// as they were read to be copied. They are left out, and another replica's is copied
	// if that is whole. See Config.CopyDamaged.
	Damaged []Failure
}

// Conflict is a file that is not the same everywhere.
type Conflict struct {
	Level            int
	MinTXID, MaxTXID ltx.TXID

	// Sizes are the bytes that each replica lists; 0 where it has none.
	Sizes []int64
}

// repairs is how many files are copied at once.
const repairs = 4

// Repair copies to each replica the files that it lacks and another has, in all levels,
// four at once. It costs LTXLevels, a listing of each level in each replica, and a read and a
// write for each copy; memory is bounded. Every listing must succeed. It may run beside
// writes and deletions, and again: a file that was deleted from one replica only, because
// that failed in another, is there again after it.
//
// An LTX file is checked on its way, as package transfer does. One that is damaged in
// every replica that has it is copied to none; when all else is done, that is ErrChecksum.
// What is no LTX file, because it is compressed or encrypted outside of the mirror, cannot be
// checked. Any other failure ends it; what was done until then is in the report.
func (c *Client) Repair(ctx context.Context) (Report, error) {
	s, err := layer.Begin(ctx, c.base, "init", nil)
	if err != nil {
		return Report{}, err
	}
	r := &repair{Client: c, state: s}
	levels, err := c.levels(ctx, s, len(s.replicas))
	if err != nil {
		return Report{}, err
	}
	for _, level := range levels {
		if err := r.level(ctx, level); err != nil {
			return r.report, c.end(ctx, "repair", fmt.Sprintf("level %d", level), err)
		}
	}
	if r.lost > 0 {
		err = fmt.Errorf("%d files are damaged in every replica that has them, and were not copied, such as %w", r.lost, r.report.Damaged[0].Err)
	}
	return r.report, layer.Wrap(c.next, "repair", "", err)
}

// repair is a call of Repair.
type repair struct {
	*Client
	*state

	mu     sync.Mutex
	report Report
	lost   int // files that no replica has whole
}

func (r *repair) level(ctx context.Context, level int) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newMerge(ctx, r.Client, r.state, r.replicas, len(r.replicas), level, 0, false)
	defer func() { err = errors.Join(err, m.close()) }()
	for {
		var batch [][]listed
		for len(batch) < 16*repairs {
			found, err := m.next()
			if err != nil {
				return err
			}
			if len(found) == 0 {
				break
			}
			if conflict, ok := r.conflict(found); ok {
				r.report.Conflicts = append(r.report.Conflicts, conflict)
			} else if len(found) < len(r.replicas) {
				batch = append(batch, slices.Clone(found))
			}
		}
		if len(batch) == 0 {
			return nil
		}
		err := flow.All(ctx, len(batch), repairs, func(ctx context.Context, i int) error { return r.file(ctx, batch[i]) })
		if err != nil {
			return err
		}
	}
}

// file brings a file to the replicas that lack it, from the first that has it whole.
func (r *repair) file(ctx context.Context, found []listed) error {
	info := found[0].info
	f := layer.FileOf(info)
	damaged := make([]error, len(found))
	lost := false
	for _, to := range r.lacking(found) {
		var failed error
		copied, torn := false, false
		for i, from := range found {
			if damaged[i] != nil {
				torn = true
				continue
			}
			action, err := transfer.File(ctx, to.client, from.client, from.info, transfer.Config{CopyDamaged: r.copyDamaged})
			switch {
			case action == transfer.Copied:
				r.count(info.Size)
				copied = true
			case action == transfer.Damaged:
				damaged[i], torn = err, true
			case action == transfer.Failed && failed == nil:
				failed = err
			}
			if copied {
				break
			}
		}
		if failed != nil && !copied {
			return &Error{Failed: []Failure{to.failure("write", f, failed)}, Replicas: len(r.replicas)}
		}
		lost = lost || torn && !copied
	}
	for i, err := range damaged {
		if err != nil {
			r.damaged(ctx, found[i].failure("read", f, err))
		}
	}
	if lost {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lost++
	}
	return nil
}

func (r *repair) count(size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Files++
	r.report.Bytes += size
}

func (r *repair) damaged(ctx context.Context, failure Failure) {
	r.mu.Lock()
	r.report.Damaged = append(r.report.Damaged, failure)
	r.mu.Unlock()
	r.failed(ctx, r.state, failure)
}

// conflict reports whether replicas list different sizes.
func (s *state) conflict(found []listed) (Conflict, bool) {
	info := found[0].info
	c := Conflict{info.Level, info.MinTXID, info.MaxTXID, make([]int64, len(s.replicas))}
	differ := false
	for _, f := range found {
		c.Sizes[f.n] = f.info.Size
		differ = differ || f.info.Size != info.Size
	}
	return c, differ
}

func (s *state) lacking(found []listed) []*replica {
	return slices.DeleteFunc(slices.Clone(s.replicas), func(r *replica) bool {
		return slices.ContainsFunc(found, func(f listed) bool { return f.replica == r })
	})
}
