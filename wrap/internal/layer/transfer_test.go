package layer_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

func TestTransfer(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		r    io.Reader
		read int64
		want error
	}{
		"whole":        {strings.NewReader("0123456789"), 100, nil},
		"closed early": {strings.NewReader("0123456789"), 4, nil},
		"broken":       {io.MultiReader(strings.NewReader("01"), iotest.ErrReader(broken)), 100, broken},
	} {
		calls := 0
		rc := layer.Transfer(io.NopCloser(tt.r), func(n int64, err error) {
			calls++
			assert.Equal(t, tt.want, err, name)
			assert.EqualValues(t, map[string]int64{"whole": 10, "closed early": 4, "broken": 2}[name], n)
		})
		_, _ = io.CopyN(io.Discard, rc, tt.read)
		assert.Zero(t, calls, name)
		assert.NoError(t, rc.Close())
		assert.NoError(t, rc.Close())
		assert.Equal(t, 1, calls, name)
	}
}
