package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/bounded"
)

// Report is what Repair has done.
type Report struct {
	// Files and Bytes were copied. A file that two replicas lacked counts twice.
	Files, Bytes int64

	// Conflicts are files that replicas have with different sizes. Nobody can tell
	// which is right, so that they are left as they are.
	Conflicts []Conflict
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
// A failure ends it; what was done until then is in the report.
func (c *Client) Repair(ctx context.Context) (Report, error) {
	var report Report
	s, err := c.init(ctx)
	if err != nil {
		return report, err
	}
	levels, err := ltxstore.Levels(ctx, c)
	if err != nil {
		return report, err
	}
	for _, level := range levels {
		if err := c.repairLevel(ctx, s, level, &report); err != nil {
			return report, c.end(ctx, "repair", fmt.Sprintf("level %d", level), err)
		}
	}
	return report, nil
}

func (c *Client) repairLevel(ctx context.Context, s *state, level int, report *Report) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newMerge(ctx, c, s, s.replicas, len(s.replicas), level, 0, false)
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
			if conflict, ok := s.conflict(found); ok {
				report.Conflicts = append(report.Conflicts, conflict)
			} else if len(found) < len(s.replicas) {
				batch = append(batch, slices.Clone(found))
			}
		}
		if len(batch) == 0 {
			return nil
		}
		var mu sync.Mutex
		err := bounded.All(ctx, len(batch), repairs, func(ctx context.Context, i int) error {
			for _, r := range s.lacking(batch[i]) {
				n, err := c.copy(ctx, s, batch[i], r)
				mu.Lock()
				if report.Bytes += n; n > 0 {
					report.Files++
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
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

// copy brings a file to a replica. One that has been deleted meanwhile is not.
func (c *Client) copy(ctx context.Context, s *state, found []listed, to *replica) (int64, error) {
	info := found[0].info
	t := &transfer{c: c, s: s, ctx: ctx, f: file{info.Level, info.MinTXID, info.MaxTXID}}
	for _, f := range found {
		t.left = append(t.left, f.replica)
	}
	if err := t.open("open"); err != nil {
		if isMissing(err) {
			return 0, nil
		}
		return 0, err
	}
	written, err := to.client.WriteLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, t)
	to.note(ctx, err)
	err = errors.Join(err, t.Close())
	switch {
	case err != nil:
		return 0, &Error{Failed: []Failure{to.failure("write", t.f, err)}, Replicas: len(s.replicas)}
	case written.Size != info.Size:
		return 0, fmt.Errorf("replica %d has stored %d bytes of a file of %d: %w", to.n, written.Size, info.Size, ltxstore.ErrChecksum)
	}
	return written.Size, nil
}
