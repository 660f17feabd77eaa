package mirror_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// noSize is a file that says to be empty, as those of /proc do, and is not.
type noSize struct{ *bytes.Reader }

func (n noSize) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return 0, nil
	}
	return n.Reader.Seek(offset, whence)
}

func TestBodyWithoutSize(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	info, err := w.WriteLTXFile(t.Context(), 0, 1, 1, noSize{bytes.NewReader([]byte("body"))})
	require.NoError(t, err)
	assert.EqualValues(t, 4, info.Size)
}
