package mock

import (
	"cmp"
	"io"
	"math"
	"slices"
)

// points are faults at positions in a body or a listing.
type points struct {
	faults []*scripted // in the order of After
	meet   func(*scripted) error
	n      int64 // bytes or files so far
}

func newPoints(faults []*scripted, meet func(*scripted) error) points {
	slices.SortStableFunc(faults, func(a, b *scripted) int { return cmp.Compare(a.After, b.After) })
	return points{faults: faults, meet: meet}
}

// endOfBody is greater than every position: a fault whose After is beyond the end
// of a body happens at the end.
const endOfBody = math.MaxInt64

// reach applies the faults up to n. It returns the first error, or io.EOF for a
// fault that truncates the body.
func (p *points) reach(n int64) error {
	for len(p.faults) > 0 && p.faults[0].After <= n {
		f := p.faults[0]
		p.faults = p.faults[1:]
		if err := p.meet(f); err != nil {
			return err
		}
		if f.Truncate {
			return io.EOF
		}
	}
	return nil
}

// pointReader reads from src and applies faults. After an error it keeps
// returning it.
type pointReader struct {
	points
	src io.Reader
	err error
}

func (r *pointReader) Read(p []byte) (n int, err error) {
	if r.err == nil && len(p) > 0 {
		r.err = r.reach(r.n)
	}
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	if len(r.faults) > 0 {
		p = p[:min(int64(len(p)), r.faults[0].After-r.n)]
	}
	n, r.err = r.src.Read(p)
	r.n += int64(n)
	if r.err == io.EOF {
		r.err = cmp.Or(r.reach(endOfBody), r.err)
	}
	return n, r.err
}
