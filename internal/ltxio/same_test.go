package ltxio_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func TestSameContent(t *testing.T) {
	content := bytes.Repeat([]byte("ltx"), 20_000)
	changed := bytes.Clone(content)
	changed[len(changed)-1]++
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		a, b io.Reader
		same bool
		err  error
	}{
		"equal":        {bytes.NewReader(content), bytes.NewReader(content), true, nil},
		"in pieces":    {bytes.NewReader(content), iotest.HalfReader(bytes.NewReader(content)), true, nil},
		"empty":        {bytes.NewReader(nil), bytes.NewReader(nil), true, nil},
		"full buffers": {bytes.NewReader(content[:32<<10]), bytes.NewReader(content[:32<<10]), true, nil},
		"last byte":    {bytes.NewReader(content), bytes.NewReader(changed), false, nil},
		"longer":       {bytes.NewReader(content[:32<<10]), bytes.NewReader(content[:32<<10+1]), false, nil},
		"shorter":      {bytes.NewReader(content), bytes.NewReader(content[:len(content)-1]), false, nil},
		"first fails":  {io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)), bytes.NewReader(content), false, broken},
		"second fails": {bytes.NewReader(content), io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)), false, broken},
	} {
		t.Run(name, func(t *testing.T) {
			same, err := ltxio.SameContent(test.a, test.b)
			assert.Equal(t, test.same, same)
			assert.Equal(t, test.err, err)
		})
	}
}
