package rangeio_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

func TestAnnounced(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		body io.Reader
		n    int64
		want string
		ok   bool
		err  error
	}{
		"exact":             {strings.NewReader("12345"), 5, "12345", true, nil},
		"byte by byte":      {iotest.OneByteReader(strings.NewReader("12345")), 5, "12345", true, nil},
		"with its end":      {iotest.DataErrReader(strings.NewReader("12345")), 5, "12345", true, nil},
		"shorter":           {strings.NewReader("123"), 5, "123", true, nil},
		"longer":            {strings.NewReader("123456"), 5, "12345", false, nil},
		"longer, with end":  {iotest.DataErrReader(strings.NewReader("123456")), 5, "12345", false, nil},
		"broken at the end": {io.MultiReader(strings.NewReader("12345"), iotest.ErrReader(broken)), 5, "12345", false, broken},
	} {
		r := rangeio.Announced(io.NopCloser(tt.body), tt.n)
		n, err := r.Read(nil)
		require.Zero(t, n)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		assert.Equal(t, tt.want, string(got), name)
		assert.Equal(t, tt.ok, err == nil, "%s: %v", name, err)
		if tt.err != nil {
			assert.ErrorIs(t, err, tt.err)
		}
	}
}
