package rangeio_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// Failures are wrapped, the end is not.
func TestWrapErrors(t *testing.T) {
	broken := errors.New("broken")
	wrap := func(err error) error { return fmt.Errorf("name: %w", err) }
	for _, test := range []struct {
		end  error
		want string
	}{{io.EOF, ""}, {broken, "name: broken"}} {
		body := io.NopCloser(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(test.end)))
		got, err := io.ReadAll(rangeio.WrapErrors(body, wrap))
		assert.Equal(t, "abc", string(got))
		if test.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorIs(t, err, broken)
		assert.EqualError(t, err, test.want)
	}
}
