package chart

import (
	"cmp"
	"math"
	"slices"
)

// Sorted are measures in order.
type Sorted[T cmp.Ordered] []T

// Of returns the measures in order. It leaves its argument as it is.
func Of[T cmp.Ordered](measures []T) Sorted[T] { return slices.Sorted(slices.Values(measures)) }

// At returns the smallest measure that the given part of all, from 0 to 1, does
// not exceed: 0.5 is the median (the lower of two), 0 the least, 1 the most. It
// is one of the measures, not a value between two. Of none it is zero.
func (s Sorted[T]) At(part float64) (zero T) {
	if len(s) == 0 {
		return zero
	}
	i := int(math.Ceil(part*float64(len(s)))) - 1
	return s[min(max(i, 0), len(s)-1)]
}
