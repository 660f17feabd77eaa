package chart

import (
	"cmp"
	"math"
	"slices"
)

// Sorted are sorted measurements.
type Sorted[T cmp.Ordered] []T

// Of returns the measurements sorted. It does not change its argument.
func Of[T cmp.Ordered](measures []T) Sorted[T] { return slices.Sorted(slices.Values(measures)) }

// At returns the quantile q, from 0 to 1: the smallest measurement that at least
// that part of all does not exceed. 0 is the minimum, 0.5 the median (the lower
// of two), and 1 the maximum. It never interpolates. Without measurements it is
// zero.
func (s Sorted[T]) At(part float64) (zero T) {
	if len(s) == 0 {
		return zero
	}
	i := int(math.Ceil(part*float64(len(s)))) - 1
	return s[min(max(i, 0), len(s)-1)]
}
