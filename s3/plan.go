package s3

import (
	"fmt"
	"io/fs"
)

// What S3 allows: sizes of a part but the last, and of an object.
const (
	maxPartSize   = 5 << 30
	maxObjectSize = 5 << 40

	defaultMaxParts = 10_000
)

// equalFactor is how much larger than PartSize the parts of a stream of
// unknown length are where all must be equal. 10,000 parts of 8 × 5 MiB make
// 390 GiB; with a larger PartSize it is more.
const equalFactor = 8

// plan chooses the size of each part of a multipart upload.
//
// A known size is divided evenly: parts have PartSize, or what it takes to fit
// the limit of parts. Parts of a stream of unknown length begin at PartSize
// and, after the first parts, grow in proportion to what has been sent:
// by 1/slope of it. So memory grows with the body's size divided by the slope,
// 1,250 by default, and 5 TiB fit in 10,000 parts. Where 1,000 parts are
// allowed, parts of the greatest size make 4.9 TiB, and the growing ones about
// 2 TiB from 5 MiB on.
type plan struct {
	base  int64 // size of the first part
	limit int   // of parts
	slope int64 // 0: all parts are equal
	size  int64 // of the body, as far as that is known: up to there parts have the size base
}

// newPlan returns the plan for a body of size bytes, -1 if that is not known.
// A size that a source only hints at may prove wrong: the parts then grow.
func newPlan(partSize, size int64, p provider) (plan, error) {
	limit := p.maxParts
	if limit == 0 {
		limit = defaultMaxParts
	}
	total := min(int64(min(limit, maxObjectSize/maxPartSize))*maxPartSize, maxObjectSize)
	switch {
	case size > total:
		return plan{}, fmt.Errorf("body has %d bytes: the service takes at most %d: %w", size, total, fs.ErrInvalid)
	case size >= 0:
		partSize = max(partSize, (size+int64(limit)-1)/int64(limit))
	case p.equalParts:
		partSize = min(partSize, maxPartSize/equalFactor) * equalFactor
	}
	pl := plan{base: partSize, limit: limit, size: size}
	if !p.equalParts {
		pl.slope = slope(partSize, limit)
	}
	return pl, nil
}

// slope returns the largest of a few that makes room for maxObjectSize, or
// else one that makes good use of the limit.
func slope(base int64, limit int) int64 {
	n := int64(limit)
	for _, slope := range []int64{n, n / 2, n / 3, n / 4, n / 6, n / 8} {
		if slope > 0 && (plan{base: base, limit: limit, slope: slope}).total() >= maxObjectSize {
			return slope
		}
	}
	return max(n/12, 1)
}

// next returns the size of the next part when sent bytes are in parts parts.
// At the limit it is 0.
func (p plan) next(parts int, sent int64) int64 {
	switch {
	case parts >= p.limit:
		return 0
	case p.slope == 0, sent < p.size:
		return p.base
	}
	return min(max(p.base, sent/p.slope), maxPartSize)
}

// total returns how many bytes the plan has room for.
func (p plan) total() (sum int64) {
	for parts := 0; parts < p.limit && sum < maxObjectSize; parts++ {
		sum += p.next(parts, sum)
	}
	return sum
}

// tooLarge is the error of a stream that the parts have no room for.
func (p plan) tooLarge(sent int64) error {
	return fmt.Errorf("body has more than the %d bytes that %d parts hold: set a larger PartSize than %d: %w",
		sent, p.limit, p.base, fs.ErrInvalid)
}
