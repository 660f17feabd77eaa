package v03

import (
	"context"
	"hash/maphash"
	"io"
	"slices"

	"github.com/superfly/ltx"
)

// findFloor returns the offset of the segment in the snapshot's own WAL file after which all
// pages of the database belong to one state, or -1 if those of the snapshot do. A page of
// the snapshot that equals a frame may come from it: the transactions up to the first that
// writes the page then belong to the snapshot.
func (c *converter) findFloor(ctx context.Context, s Snapshot, list []Segment, limit int) (floor int64, err error) {
	end := slices.IndexFunc(list, func(seg Segment) bool { return seg.Index != s.Index })
	if end < 0 {
		end = len(list)
	}
	wal := newSegments(ctx, c.src, list[:end], limit, nil)
	defer wal.close()
	if !wal.more() {
		return -1, nil
	}
	w, err := newWALReader(wal)
	if err != nil {
		return -1, damageIsLater(err)
	}
	seed := maphash.MakeSeed()
	type first struct {
		hash   uint64 // of the snapshot's page
		offset int64  // of the segment that writes it first
	}
	pages := make(map[uint32]first)
	covered := c.db.pages // up to this page, all are in the snapshot or were written
	floor, torn := int64(-1), false
	old := make([]byte, w.pageSize)
	for {
		f, err := w.next()
		if err == io.EOF {
			return floor, nil
		}
		if err != nil {
			return floor, damageIsLater(err)
		}
		at := wal.cur.Offset
		if torn {
			floor = at
		}
		hash := maphash.Bytes(seed, f.page)
		page, seen := pages[f.pgno]
		if !seen {
			page.offset = at
			if f.pgno <= c.db.pages && w.pageSize == c.db.pageSize {
				if err := c.db.read(f.pgno, old); err != nil {
					return -1, err
				}
				page.hash = maphash.Bytes(seed, old)
			}
			pages[f.pgno] = page
		}
		if f.pgno <= c.db.pages && page.hash == hash {
			floor = max(floor, page.offset)
		}
		for next := covered + 1; ; next++ {
			if _, ok := pages[next]; !ok && next != ltx.LockPgno(w.pageSize) {
				break
			}
			covered = next
		}
		if f.commit != 0 {
			if torn = f.commit > covered; torn {
				floor = at
			}
		}
	}
}

// damageIsLater ignores damage, which is reported when the segments are applied.
func damageIsLater(err error) error {
	if isFault(err) {
		return nil
	}
	return err
}
