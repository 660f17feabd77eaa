package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

func TestOpenRanges(t *testing.T) {
	c := newClient(t, Config{})
	b := body(t, 1, 1, 1000, epoch, 0)
	write(t, c, 0, 1, 1, b)
	for _, offset := range []int64{0, 1, 500, 999, 1000, 1001, math.MaxInt64} {
		for _, size := range []int64{0, 1, 500, 999, 1000, 2000, math.MaxInt64} {
			from := min(offset, 1000)
			to := int64(1000)
			if size > 0 && size < to-from {
				to = from + size
			}
			want := b[from:to]
			name := fmt.Sprintf("offset %d size %d", offset, size)

			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
			require.NoError(t, err, name)
			require.NoError(t, iotest.TestReader(r, want), name)
			require.NoError(t, r.Close())

			r, err = c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
			require.NoError(t, err, name)
			var buf bytes.Buffer
			n, err := io.Copy(&buf, r)
			require.NoError(t, err, name)
			assert.EqualValues(t, len(want), n)
			assert.True(t, bytes.Equal(want, buf.Bytes()), name)
			require.NoError(t, r.Close())
		}
	}
	for _, bad := range [][2]int64{{-1, 0}, {0, -1}} {
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, bad[0], bad[1])
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
}

func TestOpenOfUnlistedFiles(t *testing.T) {
	root, outside := t.TempDir(), put(t, t.TempDir(), "outside", "secret")
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 9, 9, []byte("x"))
	level := filepath.Join(root, "ltx", "0000")
	name := func(id int) string { return filepath.Join(level, fmt.Sprintf("%016x-%016x.ltx", id, id)) }
	require.NoError(t, os.Mkdir(name(1), 0o755))
	require.NoError(t, os.Symlink(outside, name(2)))
	require.NoError(t, os.Symlink(filepath.Base(name(9)), name(3)))
	require.NoError(t, os.WriteFile(name(4), nil, 0o644))
	special := makeSpecial(t, name(5))
	for id, why := range map[int]string{1: "a directory", 2: "a symbolic link", 3: "a symbolic link", 4: "torn upload", 5: special, 6: ""} {
		_, err := c.OpenLTXFile(t.Context(), 0, txid(id), txid(id), 0, 0)
		require.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, why)
		assert.ErrorContains(t, err, "file: open ltx/0000/")
		assert.NotContains(t, err.Error(), root)
		assert.False(t, ltxstore.IsRetryable(err))
	}
	require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 1, 2, 3, 5, 6)))
	for _, headers := range []bool{false, true} {
		found, err := list(t.Context(), c, 0, 0, headers)
		require.NoError(t, err)
		require.Len(t, found, 1)
		assert.EqualValues(t, 9, found[0].MinTXID)
	}
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.NoFileExists(t, name(4), "a torn upload is this replica's")
	assert.NoFileExists(t, name(9))
	assert.DirExists(t, name(1), "an empty directory is a stranger")
	_, err := os.Lstat(name(2))
	require.NoError(t, err, "and so is a link")
	assert.FileExists(t, outside)
}

func TestReaderContract(t *testing.T) {
	c := newClient(t, Config{})
	b := body(t, 1, 1, 1000, epoch, 0)
	write(t, c, 0, 1, 1, b)
	open := func(ctx context.Context) io.ReadCloser {
		r, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		return r
	}

	t.Run("close", func(t *testing.T) {
		r := open(t.Context())
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		_, err := r.Read(make([]byte, 1))
		require.ErrorIs(t, err, fs.ErrClosed)
		_, err = io.Copy(&bytes.Buffer{}, r)
		require.ErrorIs(t, err, fs.ErrClosed)

		r = open(t.Context())
		_, err = io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		_, err = r.Read(make([]byte, 1))
		require.ErrorIs(t, err, fs.ErrClosed, "after the end, too")
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := open(ctx)
		_, err := r.Read(make([]byte, 10))
		require.NoError(t, err)
		cancel()
		_, err = r.Read(make([]byte, 10))
		require.ErrorIs(t, err, context.Canceled)
		var e *ltxstore.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "read", e.Op)
		_, err = io.Copy(&bytes.Buffer{}, r)
		require.ErrorIs(t, err, context.Canceled)
		_, err = io.Copy(onlyWriter{io.Discard}, r)
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("truncated", func(t *testing.T) {
		for _, to := range []io.Writer{&bytes.Buffer{}, onlyWriter{io.Discard}} {
			write(t, c, 0, 1, 1, b)
			r := open(t.Context())
			require.NoError(t, os.Truncate(filepath.Join(c.given.Path, "ltx/0000/0000000000000001-0000000000000001.ltx"), 900))
			_, err := io.Copy(to, r)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.ErrorContains(t, err, "100 bytes before")
		}
	})
	t.Run("rewritten and deleted meanwhile", func(t *testing.T) {
		write(t, c, 0, 1, 1, b)
		r := open(t.Context())
		write(t, c, 0, 1, 1, []byte("other"))
		require.NoError(t, c.DeleteAll(t.Context()))
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, b, got)
		write(t, c, 0, 1, 1, b)
	})
	t.Run("writer fails", func(t *testing.T) {
		boom := errors.New("boom")
		_, err := io.Copy(failingWriter{boom}, open(t.Context()))
		require.ErrorIs(t, err, boom)
	})
	t.Run("to a file in chunks", func(t *testing.T) {
		large := make([]byte, copyChunk+4321)
		copy(large, b)
		large[copyChunk] = 7
		write(t, c, 0, 1, 1, large)
		dst, err := os.Create(filepath.Join(t.TempDir(), "dst"))
		require.NoError(t, err)
		defer dst.Close()
		n, err := io.Copy(dst, open(t.Context()))
		require.NoError(t, err)
		assert.EqualValues(t, len(large), n)
		got, err := os.ReadFile(dst.Name())
		require.NoError(t, err)
		assert.True(t, bytes.Equal(large, got))
	})
}

type onlyWriter struct{ io.Writer }

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error)         { return 0, w.err }
func (w failingWriter) ReadFrom(io.Reader) (int64, error) { return 0, w.err }
