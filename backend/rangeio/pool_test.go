package rangeio

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is free goes to the reader that has the most left for what it would then hold, of
// equals to the first.
func TestNeediest(t *testing.T) {
	type reader struct{ left, has int }
	for _, test := range []struct {
		readers []reader
		want    int
	}{
		{[]reader{{10, 0}, {10, 0}}, 0},
		{[]reader{{10, 0}, {11, 0}}, 1},
		{[]reader{{10, 1}, {8, 1}}, 0},
		{[]reader{{10, 1}, {6, 0}}, 1},
		{[]reader{{10, 1}, {5, 0}}, 0},
		{[]reader{{10, 1}, {6, 0}, {13, 1}}, 2},
	} {
		p := NewPool(1, 1)
		has := make(map[*Parallel]int)
		for _, r := range test.readers {
			parallel := &Parallel{cfg: ParallelConfig{Size: int64(r.left), Pool: p}}
			p.readers = append(p.readers, parallel)
			has[parallel] = r.has
		}
		got := p.neediest(func(r *Parallel) (int, bool) { return has[r], true })
		assert.Same(t, p.readers[test.want], got, test)
	}
}

// A response is closed only if nobody reads it: neither into a block, nor the reader itself.
func TestWithdraw(t *testing.T) {
	p := NewPool(100, 2)
	r := new(Parallel)
	s := &slot{wants: 1}
	assert.True(t, p.withdraw(r, s, 100))
	assert.True(t, r.careful)
	assert.Equal(t, p.blocksFor(100), s.wants, "all blocks of the rest")

	r = new(Parallel)
	assert.False(t, p.withdraw(r, new(slot), 100))
	assert.False(t, r.careful)
}
