package ltxio_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func TestSection(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "body"))
	require.NoError(t, err)
	defer file.Close()
	_, err = file.WriteString("0123456789")
	require.NoError(t, err)
	readAt := func(s *ltxio.Section, size int) (string, error) {
		b := make([]byte, size)
		n, err := s.ReadAt(b, 1)
		return string(b[:n]), err
	}
	for _, r := range []io.ReadSeeker{file, bytes.NewReader([]byte("0123456789")), strings.NewReader("0123456789")} {
		_, err := r.Seek(2, io.SeekStart)
		require.NoError(t, err)
		s, err := ltxio.NewSection(r, 8)
		require.NoError(t, err)
		got, err := readAt(s, 7)
		assert.NoError(t, err)
		assert.Equal(t, "3456789", got)
		at, err := r.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		assert.EqualValues(t, 2, at)
		require.NoError(t, s.Skip())
		at, err = r.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		assert.EqualValues(t, 10, at)
	}

	// Others may have another Read.
	for _, r := range []io.Reader{struct{ *strings.Reader }{strings.NewReader("x")}, io.NewSectionReader(file, 0, 1)} {
		s, err := ltxio.NewSection(r, 1)
		require.NoError(t, err)
		assert.Nil(t, s)
	}
	unknown, err := ltxio.NewSection(file, -1)
	require.NoError(t, err)
	assert.Nil(t, unknown)
	s, err := ltxio.NewSection(file, 10) // from its end on, which it does not have
	require.NoError(t, err)
	_, err = readAt(s, 5)
	var wrong *ltxio.SizeError
	assert.ErrorAs(t, err, &wrong)

	_, err = file.Seek(0, io.SeekStart)
	require.NoError(t, err)
	s, err = ltxio.NewSection(file, 10)
	require.NoError(t, err)
	_, err = file.WriteAt([]byte("more"), 10)
	require.NoError(t, err)
	got, err := readAt(s, 8)
	assert.NoError(t, err)
	assert.Equal(t, "12345678", got, "the rest tells")
	got, err = readAt(s, 9)
	assert.ErrorAs(t, err, &wrong)
	assert.Empty(t, got)
}
