package restore

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// storeResolution is how much earlier than it happened a store may say it got a file:
// S3 has whole seconds.
const storeResolution = time.Second

// pair is how many snapshots there are around the target time. Their headers cost less than
// another listing.
const pair = 2

// narrow drops snapshots that are later than the target time from the files that
// continue the plan. It reads the headers of the two between which the target time is
// according to the store, whose times do not depend on the clocks of those that wrote
// the files, and of a few more if the second is in time too: it took long to upload.
//
// If the store's times do not tell, as in a copy of a replica, or a header contradicts
// them, it needs the times in the headers of all snapshots.
func (c *cursor) narrow() error {
	if c.narrowed || c.level != ltxstore.SnapshotLevel || len(c.fit) == 0 || c.p.target.Before.IsZero() {
		return nil
	}
	c.narrowed = true
	early := -1 // the last that the store got before the target time
	for i, info := range c.fit {
		if !info.CreatedAt.Add(storeResolution).After(c.p.target.Before) {
			early = i
		}
	}
	if early < 0 && len(c.fit) > pair {
		return c.narrowAll()
	}
	from := max(early, 0)
	inTime, err := c.p.lookUpAll(c.fit[from:min(from+pair, len(c.fit))])
	switch {
	case err != nil:
		return err
	case early < 0 || !inTime[0]:
		return c.narrowAll()
	}
	late := len(c.fit)
	if next := early + 1; next < late {
		if inTime[1] {
			early = next
		} else {
			late = next
		}
	}
	for step := 1; late-early > 1; step *= 2 {
		i := (early + late) / 2
		if late == len(c.fit) {
			i = min(early+step, late-1)
		}
		inTime, err := c.p.lookUpAll(c.fit[i : i+1])
		switch {
		case err != nil:
			return err
		case inTime[0]:
			early = i
		default:
			late = i
		}
	}
	for _, info := range c.fit[late:] {
		c.p.exclude(info)
	}
	c.fit = c.fit[:late]
	return nil
}

// narrowAll drops the snapshots that are later than the target time. It lists them with the
// times of their headers, which costs a single request if the store lists metadata; the
// header of the one that is used is read too. If the listing fails, because of a damaged
// header, it reads each header.
func (c *cursor) narrowAll() error {
	var inTime []bool
	if len(c.fit) > pair {
		inTime = c.listTimes()
	}
	if inTime == nil {
		var err error
		if inTime, err = c.p.lookUpAll(c.fit); err != nil {
			return err
		}
	}
	var fit []*ltx.FileInfo
	for i, info := range c.fit {
		if inTime[i] {
			fit = append(fit, info)
		} else {
			c.p.exclude(info)
		}
	}
	c.fit = fit
	return nil
}

// listTimes reports which of the snapshots are before the target time, or returns nil if the
// listing fails. A snapshot that is no longer listed counts as such: reading its header fails.
func (c *cursor) listTimes() (inTime []bool) {
	files, err := c.p.client.LTXFiles(c.p.ctx, c.level, 0, true)
	if err != nil {
		return nil
	}
	times := make(map[fileName]time.Time)
	for files.Next() {
		info := files.Item()
		times[nameOf(info)] = info.CreatedAt
	}
	if files.Close() != nil {
		return nil
	}
	for _, info := range c.fit {
		at, ok := times[nameOf(info)]
		if ok {
			info.CreatedAt = at
		}
		inTime = append(inTime, !ok || at.Before(c.p.target.Before))
	}
	return inTime
}

// lookUpAll reads the headers of snapshots concurrently, and reports which are before
// the target time. Of a snapshot with a damaged header it takes the store's time: the
// restore fails if it reads it.
func (p *planner) lookUpAll(infos []*ltx.FileInfo) (inTime []bool, err error) {
	times := make([]time.Time, len(infos))
	err = flow.All(p.ctx, len(infos), defaultConcurrency, func(ctx context.Context, i int) (err error) {
		if known, ok := p.known[nameOf(infos[i])]; ok {
			times[i] = known
			return nil
		}
		times[i], err = p.fetchTime(ctx, infos[i])
		switch {
		case errors.Is(err, ltxstore.ErrChecksum):
			times[i], err = infos[i].CreatedAt, nil
		case errors.Is(err, fs.ErrNotExist):
			err = &goneError{err}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, info := range infos {
		p.remember(info, times[i])
		info.CreatedAt = times[i]
		inTime = append(inTime, times[i].Before(p.target.Before))
	}
	return inTime, nil
}
