package layer_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

func TestCount(t *testing.T) {
	name := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(name, []byte("0123456789"), 0o600))
	file, err := os.Open(name)
	require.NoError(t, err)
	defer file.Close()
	whole := func() map[string]io.ReadSeeker {
		return map[string]io.ReadSeeker{"file": file, "bytes": bytes.NewReader([]byte("0123456789")), "string": strings.NewReader("0123456789"),
			"seekable": struct{ io.ReadSeeker }{strings.NewReader("0123456789")}}
	}
	for kind, r := range whole() {
		_, err := r.Seek(2, io.SeekStart)
		require.NoError(t, err)
		body, sent := layer.Count(r)
		assert.Equal(t, kind != "seekable", body == io.Reader(r), "what can be read in place stays so")
		got, err := io.ReadAll(body)
		require.NoError(t, err)
		assert.Equal(t, "23456789", string(got))
		assert.EqualValues(t, 8, sent(&ltx.FileInfo{Size: 8}), kind)
	}
	for kind, r := range whole() {
		_, err := r.Seek(2, io.SeekStart)
		require.NoError(t, err)
		body, sent := layer.Count(r)
		_, err = io.ReadFull(body, make([]byte, 3))
		require.NoError(t, err)
		assert.EqualValues(t, 3, sent(nil), "%s: a write that failed", kind)
	}
	body, sent := layer.Count(iotest.HalfReader(strings.NewReader("0123456789")))
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, err)
	assert.EqualValues(t, 10, sent(nil))

	body, sent = layer.Count(nil)
	assert.Nil(t, body)
	assert.Zero(t, sent(nil))

	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	_, err = w.WriteString("012")
	require.NoError(t, errors.Join(err, w.Close()))
	body, sent = layer.Count(r)
	_, seeks := body.(io.Seeker)
	assert.False(t, seeks)
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, err)
	assert.EqualValues(t, 3, sent(nil))
}

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
