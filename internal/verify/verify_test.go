package verify_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/internal/verify"
)

var (
	errMissing = errors.New("404")
	errOther   = errors.New("500")
)

// looks answers each look in turn with the next of its values.
type looks struct {
	sizes []int64
	errs  []error
	n     int
}

func (l *looks) next(context.Context) (int64, error) {
	i := min(l.n, len(l.sizes)-1)
	l.n++
	return l.sizes[i], l.errs[i]
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		head  looks
		sum   uint64
		size  int64
		err   error // of reading back
		want  error
		heads int
	}{
		"as written":              {head: looks{[]int64{5}, []error{nil}, 0}, sum: 7, size: 5, heads: 1},
		"absent at first":         {head: looks{[]int64{0, 5}, []error{errMissing, nil}, 0}, sum: 7, size: 5, heads: 2},
		"an older one at first":   {head: looks{[]int64{4, 5}, []error{nil, nil}, 0}, sum: 7, size: 5, heads: 2},
		"absent":                  {head: looks{[]int64{0}, []error{errMissing}, 0}, want: verify.ErrAbsent, heads: 3},
		"another size":            {head: looks{[]int64{4}, []error{nil}, 0}, want: verify.ErrMismatch, heads: 3},
		"another content":         {head: looks{[]int64{5}, []error{nil}, 0}, sum: 8, size: 5, want: verify.ErrMismatch, heads: 3},
		"another size, read":      {head: looks{[]int64{5}, []error{nil}, 0}, sum: 7, size: 4, want: verify.ErrMismatch, heads: 3},
		"gone when it is read":    {head: looks{[]int64{5}, []error{nil}, 0}, err: errMissing, want: verify.ErrAbsent, heads: 3},
		"a failing head":          {head: looks{[]int64{0}, []error{errOther}, 0}, want: errOther, heads: 1},
		"a failure when it reads": {head: looks{[]int64{5}, []error{nil}, 0}, err: errOther, want: errOther, heads: 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := verify.Object{
				Size:     5,
				Sum:      func() (uint64, error) { return 7, nil },
				Head:     tt.head.next,
				ReadBack: func(context.Context) (uint64, int64, error) { return tt.sum, tt.size, tt.err },
				Missing:  func(err error) bool { return errors.Is(err, errMissing) },
			}
			err := verify.Check(t.Context(), retry.Policy{MaxAttempts: 3}, o)
			assert.ErrorIs(t, err, tt.want)
			assert.Equal(t, tt.heads, tt.head.n)
		})
	}
}

func TestCheckOfTheSizeAlone(t *testing.T) {
	head := looks{[]int64{5}, []error{nil}, 0}
	o := verify.Object{Size: 5, Head: head.next, Missing: func(error) bool { return false },
		Sum: func() (uint64, error) { return 0, errors.New("nobody needs it") }}
	assert.NoError(t, verify.Check(t.Context(), retry.Policy{}, o))

	o.ReadBack = func(context.Context) (uint64, int64, error) { return 0, 5, nil }
	assert.ErrorContains(t, verify.Check(t.Context(), retry.Policy{}, o), "nobody needs it", "a body that cannot be read again")
}
