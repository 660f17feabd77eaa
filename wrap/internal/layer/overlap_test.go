package layer_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

func TestOverlap(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 200)
	for _, pieces := range [][]int{{1}, {500, 500}, {1024}, {1000, 100, 1}, {3000, 3}, {1, 2000, 0, 5}} {
		var o layer.Overlap
		at := 0
		for _, n := range pieces {
			o.Add([]byte(body[at : at+n]))
			at += n
		}
		kept := int64(min(at, 1024))
		offset, size := o.Range(int64(at), 10)
		assert.Equal(t, []int64{int64(at) - kept, 10 + kept}, []int64{offset, size}, pieces)
		_, size = o.Range(int64(at), 0)
		assert.Zero(t, size, "to the end")
		_, size = o.Range(int64(at), math.MaxInt64-1)
		assert.EqualValues(t, math.MaxInt64, size)

		rest := strings.NewReader(body[offset:])
		assert.NoError(t, o.Check(iotest.OneByteReader(rest)))
		assert.Equal(t, len(body)-at, rest.Len(), "no more is read")
		assert.ErrorIs(t, o.Check(strings.NewReader(body[offset:at-1]+"X")), ltxstore.ErrChecksum)
		assert.ErrorIs(t, o.Check(strings.NewReader(body[offset:at-1])), ltxstore.ErrChecksum)
		broken := errors.New("broken")
		assert.ErrorIs(t, o.Check(iotest.ErrReader(broken)), broken)
	}
	var none layer.Overlap
	assert.NoError(t, none.Check(iotest.ErrReader(errors.New("it was read"))))
	offset, size := none.Range(7, 0)
	assert.Equal(t, []int64{7, 0}, []int64{offset, size})
}
