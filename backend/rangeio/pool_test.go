package rangeio

import (
	"io"
	"strings"
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

// An answer is closed only if nobody reads it: neither into a buffer, nor the reader itself.
func TestWithdraw(t *testing.T) {
	for _, test := range []struct {
		buf             []byte
		claimed, closed bool
	}{{closed: true}, {buf: []byte{0}}, {claimed: true}} {
		r, body := new(Parallel), io.NopCloser(strings.NewReader(""))
		s := &slot{buf: test.buf, claimed: test.claimed, body: body}
		got := NewPool(1, 1).withdraw(r, s)
		assert.Equal(t, test.closed, got != nil)
		assert.Equal(t, test.closed, s.body == nil)
		assert.Equal(t, test.closed, r.careful)
	}
}
