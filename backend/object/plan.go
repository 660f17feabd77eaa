package object

import (
	"cmp"
	"fmt"
	"io/fs"
)

// equalFactor is how much larger than PartSize the parts of a stream of
// unknown size are where all must be equal: 10,000 parts of 8 × 5 MiB make
// 390 GiB.
const equalFactor = 8

// plan chooses the size of each part of an upload.
//
// A known size is divided evenly: parts have Store.PartSize, or what it takes
// to stay within the limit of parts. Parts of a stream begin at PartSize and
// grow to 1/slope of what was sent, so that memory grows with the body's size
// divided by the slope: 1,250 where 10,000 parts are allowed, which leaves room
// for 5 TiB; 83 where 1,000 are, for about 2 TiB. Parts that leave room enough as
// they begin do not grow.
type plan struct {
	base    int64 // size of the first part
	size    int64 // of the body, -1 if unknown: up to there parts have the size base
	slope   int64 // 0: all parts are equal
	parts   int   // at most
	maxPart int64
}

// newPlan returns the plan for a body of size bytes, -1 if that is not known.
func newPlan(partSize, size int64, t Traits) (plan, error) {
	p := plan{
		base:    partSize,
		size:    size,
		parts:   cmp.Or(t.MaxParts, defaultMaxParts),
		maxPart: cmp.Or(t.MaxPartSize, defaultMaxPartSize),
	}
	total := cmp.Or(t.MaxObjectSize, defaultMaxObjectSize)
	if int64(p.parts) <= total/p.maxPart {
		total = int64(p.parts) * p.maxPart
	}
	switch {
	case size > total:
		return plan{}, fmt.Errorf("body has %d bytes: the store takes at most %d: %w", size, total, fs.ErrInvalid)
	case size >= 0:
		p.base = max(p.base, (size+int64(p.parts)-1)/int64(p.parts))
	case t.EqualParts:
		p.base = min(p.base, p.maxPart/equalFactor) * equalFactor
	}
	switch {
	case t.EqualParts, p.base > total/int64(p.parts): // which has room enough
	case p.parts >= 5000:
		p.slope = int64(p.parts) / 8
	default:
		p.slope = max(int64(p.parts)/12, 1)
	}
	return p, nil
}

// next returns the size of the next part when sent bytes are in parts parts.
// At the limit it is 0.
func (p plan) next(parts int, sent int64) int64 {
	switch {
	case parts >= p.parts:
		return 0
	case p.slope == 0, sent < p.size:
		return p.base
	}
	return min(max(p.base, sent/p.slope), p.maxPart)
}

// tooLarge is the error of a stream for which the parts have no room.
func (p plan) tooLarge(sent int64) error {
	return fmt.Errorf("body has more than the %d bytes that %d parts hold: set a part size of more than %d bytes: %w",
		sent, p.parts, p.base, fs.ErrInvalid)
}
