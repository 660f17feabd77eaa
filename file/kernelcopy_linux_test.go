package file

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKernelCopies writes from a file and reads to one without the 32 KiB
// buffer for each chunk that package os allocates when the kernel cannot copy.
func TestKernelCopies(t *testing.T) {
	content := bytes.Repeat(body(t, 1, 1, 1<<20, epoch, 0), 2*copyChunk>>20)
	content = append(content, "the last chunk is short"...)
	src, err := os.Open(put(t, t.TempDir(), "src", string(content)))
	require.NoError(t, err)
	defer src.Close()
	dst, err := os.Create(filepath.Join(t.TempDir(), "dst"))
	require.NoError(t, err)
	defer dst.Close()
	c := newClient(t, Config{})
	c.disk.fsys = noSync{}
	require.NoError(t, c.Init(t.Context()))

	written := allocated(func() {
		info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, src)
		require.NoError(t, err)
		assert.EqualValues(t, len(content), info.Size)
	})
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	opened := allocated(func() {
		n, err := io.Copy(dst, r)
		require.NoError(t, err)
		assert.EqualValues(t, len(content), n)
	})
	assert.Less(t, written, uint64(32<<10), "bytes allocated for a write")
	assert.Less(t, opened, uint64(32<<10), "bytes allocated for a read")
	for _, name := range []string{dst.Name(), filepath.Join(c.given.Path, c.keyOf(t, 0, 1, 1))} {
		got, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(content, got))
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
