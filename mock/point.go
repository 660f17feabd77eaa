package mock

import (
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
)

// points are the faults that wait at places of a body or a listing, in the
// order in which they are reached.
type points []*scripted

// endOfBody is behind every point: a body that is shorter than a fault's After
// meets the fault at its end, rather than escaping it.
const endOfBody = math.MaxInt64

func (p *points) add(f *scripted) {
	*p = append(*p, f)
	slices.SortStableFunc(*p, func(a, b *scripted) int { return cmp.Compare(a.After, b.After) })
}

// reach meets every fault up to n, and stops at the first error.
func (p *points) reach(n int64, meet func(*scripted) error) error {
	for len(*p) > 0 && (*p)[0].After <= n {
		f := (*p)[0]
		*p = (*p)[1:]
		if err := meet(f); err != nil {
			return err
		}
		if f.Truncate {
			return errCut
		}
	}
	return nil
}

// errCut ends a body that is cut short without a word.
var errCut = errors.New("cut")

// pointReader reads from src and meets faults on the way. Its errors are for
// good.
type pointReader struct {
	src  io.Reader
	meet func(*scripted) error
	points
	n   int64 // bytes read
	err error
}

func (r *pointReader) Read(p []byte) (n int, err error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	if r.fail(r.reach(r.n, r.meet)) {
		return 0, r.err
	}
	if len(r.points) > 0 {
		p = p[:min(int64(len(p)), r.points[0].After-r.n)]
	}
	n, err = r.src.Read(p)
	r.n += int64(n)
	if err == io.EOF && r.fail(r.reach(endOfBody, r.meet)) {
		return n, r.err
	}
	r.err = err
	return n, err
}

func (r *pointReader) fail(err error) bool {
	if err == errCut {
		err = io.EOF
	}
	r.err = err
	return err != nil
}
