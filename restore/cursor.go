package restore

import (
	"cmp"
	"slices"

	"github.com/superfly/ltx"
)

// cursor reads the files of a level as the plan grows.
type cursor struct {
	p     *planner
	level int
	files ltx.FileIterator
	ended bool
	queue []*ltx.FileInfo // listed, after ahead
	times times

	// ahead is the first file that starts after the next transaction, once the
	// listing has reached it.
	ahead *ltx.FileInfo

	// fit are files that continue the plan, the best one last: all of them if the
	// target is a time, and otherwise only the best.
	fit      []*ltx.FileInfo
	narrowed bool // narrow was called with them
}

// peek reads the next file into ahead, which is nil at the end.
func (c *cursor) peek() (err error) {
	switch {
	case c.ahead != nil:
	case len(c.queue) > 0:
		c.ahead, c.queue = c.queue[0], c.queue[1:]
	default:
		c.ahead, err = c.read()
	}
	return err
}

// read returns the next file of the listing, or nil at the end.
func (c *cursor) read() (*ltx.FileInfo, error) {
	if c.ended {
		return nil, nil
	}
	// Some iterators panic if Next is called after the end, such as that of ltx.
	if c.ended = !c.files.Next(); c.ended {
		return nil, c.files.Err()
	}
	c.p.seen.Store(true)
	return c.files.Item(), nil
}

// advance reads up to the first file that does not continue the plan.
func (c *cursor) advance() error {
	if info := c.top(); info != nil && info.MaxTXID <= c.p.reached {
		c.fit = c.fit[:0]
	}
	for {
		if err := c.peek(); err != nil {
			return err
		}
		info := c.ahead
		if info == nil || info.MinTXID > 0 && info.MinTXID-1 > c.p.reached {
			return nil
		}
		c.ahead = nil
		switch {
		case info.MinTXID == 0: // not valid in an LTX file
		case info.MaxTXID <= c.p.reached:
		case c.p.skip != nil && c.p.skip(info):
		case c.p.target.TXID != 0 && info.MaxTXID > c.p.target.TXID:
			c.p.exclude(info)
		default:
			c.add(info)
		}
	}
}

func (c *cursor) add(info *ltx.FileInfo) {
	if c.p.target.Before.IsZero() && len(c.fit) == 1 {
		if compare(info, c.fit[0]) > 0 {
			c.fit[0] = info
		}
		return
	}
	at, _ := slices.BinarySearchFunc(c.fit, info, compare)
	c.fit = slices.Insert(c.fit, at, info)
}

// top returns the best file that continues the plan, or nil.
func (c *cursor) top() *ltx.FileInfo {
	if len(c.fit) == 0 {
		return nil
	}
	return c.fit[len(c.fit)-1]
}

func (c *cursor) take() *ltx.FileInfo {
	info := c.top()
	c.fit = c.fit[:len(c.fit)-1]
	return info
}

// compare returns more than 0 if a is better than b: it ends later, or at the same
// transaction but starts later.
func compare(a, b *ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MaxTXID, b.MaxTXID),
		cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.Level, b.Level))
}
