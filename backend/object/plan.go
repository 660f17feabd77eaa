package object

import (
	"cmp"
	"fmt"
	"io/fs"
)

// equalFactor is how much larger than PartSize the parts of a stream of unknown size
// are if all must be equal: 10,000 parts of 8 × 5 MiB are 390 GiB.
const equalFactor = 8

// plan chooses the size of each part of an upload.
//
// A known size is divided evenly: parts have Store.PartSize, or more if the number of
// parts would exceed the limit. Parts of a stream start at PartSize and grow to 1/slope
// of what was sent, so that memory grows with the body's size divided by slope: 1,250 if
// 10,000 parts are allowed, which suffices for 5 TiB, and 83 if 1,000 are, for about
// 2 TiB. If parts of the first size suffice for the largest object, they do not grow.
type plan struct {
	base    int64 // size of the first part
	size    int64 // of the body, or -1 if unknown: up to there, parts have the size base
	slope   int64 // 0: all parts are equal
	parts   int   // maximum
	maxPart int64
}

// newPlan returns the plan for a body of size bytes, or -1 if unknown.
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
		return plan{}, fmt.Errorf("body has %d bytes: the store allows at most %d: %w", size, total, fs.ErrInvalid)
	case size >= 0:
		p.base = max(p.base, (size+int64(p.parts)-1)/int64(p.parts))
	case t.EqualParts:
		p.base = min(p.base, p.maxPart/equalFactor) * equalFactor
	}
	switch {
	case t.EqualParts, p.base > total/int64(p.parts): // parts of that size suffice
	case p.parts >= 5000:
		p.slope = int64(p.parts) / 8
	default:
		p.slope = max(int64(p.parts)/12, 1)
	}
	return p, nil
}

// next returns the size of the next part after sent bytes in parts parts. At the limit
// it is 0.
func (p plan) next(parts int, sent int64) int64 {
	switch {
	case parts >= p.parts:
		return 0
	case p.slope == 0, sent < p.size:
		return p.base
	}
	return min(max(p.base, sent/p.slope), p.maxPart)
}

// tooLarge returns the error of a stream that does not fit in the parts.
func (p plan) tooLarge(sent int64) error {
	return fmt.Errorf("body has more than %d bytes in %d parts: set a part size of more than %d bytes: %w",
		sent, p.parts, p.base, fs.ErrInvalid)
}
