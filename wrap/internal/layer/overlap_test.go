package layer

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
)

func TestOverlap(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 200)
	for _, pieces := range [][]int{{1}, {500, 500}, {1024}, {1000, 100, 1}, {3000, 3}, {1, 2000, 0, 5}} {
		var o overlap
		at := 0
		for _, n := range pieces {
			o.add([]byte(body[at : at+n]))
			at += n
		}
		kept := int64(min(at, 1024))
		offset, size := o.before(int64(at), 10)
		assert.Equal(t, []int64{int64(at) - kept, 10 + kept}, []int64{offset, size}, pieces)
		_, size = o.before(int64(at), 0)
		assert.Zero(t, size, "to the end")
		_, size = o.before(int64(at), math.MaxInt64-1)
		assert.EqualValues(t, math.MaxInt64, size)

		rest := strings.NewReader(body[offset:])
		assert.NoError(t, o.check(iotest.OneByteReader(rest)))
		assert.Equal(t, len(body)-at, rest.Len(), "no more is read")
		assert.ErrorIs(t, o.check(strings.NewReader(body[offset:at-1]+"X")), ltxstore.ErrChecksum)
		assert.ErrorIs(t, o.check(strings.NewReader(body[offset:at-1])), ltxstore.ErrChecksum)
		broken := errors.New("broken")
		assert.ErrorIs(t, o.check(iotest.ErrReader(broken)), broken)
	}
	var none overlap
	assert.NoError(t, none.check(iotest.ErrReader(errors.New("it was read"))))
	offset, size := none.before(7, 0)
	assert.Equal(t, []int64{7, 0}, []int64{offset, size})
}
