package cache_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// again is the same replica in a new process.
func (w *world) again(cfg cache.Config) *world {
	w.next.ResetCalls()
	return &world{cache.New(w.next, cfg), w.next, w.other}
}

// blocksIn returns the paths of a directory's blocks, and their bytes in all.
func blocksIn(t *testing.T, dir string) (paths []string, size int64) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.ltxblock"))
	require.NoError(t, err)
	for _, path := range paths {
		info, err := os.Stat(path)
		require.NoError(t, err)
		size += info.Size()
	}
	return paths, size
}

func TestDiskIsKept(t *testing.T) {
	cfg := cache.Config{Dir: filepath.Join(t.TempDir(), "a", "b"), BlockSize: 4 << 10}
	body := random(1, 20<<10)
	w := newWorld(cfg)
	put(t, w, 1, body)
	for block := range int64(5) {
		read(t, w, 1, block<<12, 10)
	}
	assert.EqualValues(t, 5*4<<10, w.Stats().BlockBytes)

	w = w.again(cfg)
	require.NoError(t, w.Init(t.Context()))
	assert.EqualValues(t, 5, w.Stats().Blocks)
	for block := range int64(5) {
		assert.Equal(t, body[block<<12:][:10], read(t, w, 1, block<<12, 10))
	}
	assert.Len(t, w.next.Calls(mock.OpOpen), 1, "the first tells that the rest is right")
	assert.EqualValues(t, []int64{1, 4, 0}, []int64{w.Stats().ReadMisses, w.Stats().ReadHits, w.Stats().Changed})
	assert.True(t, bytes.Equal(body, read(t, w, 1, 0, 20<<10)))
	assert.Len(t, w.next.Calls(mock.OpOpen), 1)
}

// What was rewritten between two processes is not read.
func TestDiskOfAnotherProcess(t *testing.T) {
	cfg := cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10}
	old, now := random(1, 20<<10), random(2, 20<<10)
	w := newWorld(cfg)
	put(t, w, 1, old)
	read(t, w, 1, 0, 20<<10)
	put(t, w.other, 1, now)
	w = w.again(cfg)
	assert.Equal(t, now[9000:9100], read(t, w, 1, 9000, 100))
	assert.True(t, bytes.Equal(now, read(t, w, 1, 0, 20<<10)))
	assert.True(t, bytes.Equal(now, read(t, w, 1, 0, 20<<10)))
	assert.EqualValues(t, 1, w.Stats().Changed)

	w = w.again(cfg)
	require.NoError(t, w.DeleteAll(t.Context()))
	paths, _ := blocksIn(t, cfg.Dir)
	assert.Empty(t, paths, "what this client deletes is not kept")
}

func TestDiskIsTorn(t *testing.T) {
	cfg := cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10}
	body := random(1, 20<<10)
	w := newWorld(cfg)
	put(t, w, 1, body)
	for _, tear := range []func(path string, b []byte) error{
		func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)-1], 0o600) },
		func(path string, b []byte) error { return os.WriteFile(path, nil, 0o600) },
		func(path string, b []byte) error { return os.Truncate(path, 1<<20) },
		func(path string, b []byte) error { b[100] ^= 1; return os.WriteFile(path, b, 0o600) },
		func(path string, b []byte) error { b[0] ^= 1; return os.WriteFile(path, b, 0o600) },
		func(path string, b []byte) error { // another block's
			other, err := os.ReadFile(theBlock(t, cfg.Dir, "-2-"))
			require.NoError(t, err)
			return os.WriteFile(path, other, 0o600)
		},
		func(path string, b []byte) error { return os.Remove(path) },
	} {
		read(t, w, 1, 0, 20<<10)
		torn := w.Stats().Torn
		path := theBlock(t, cfg.Dir, "-1-")
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, tear(path, b))
		assert.True(t, bytes.Equal(body[5000:5100], read(t, w, 1, 5000, 100)))
		assert.Equal(t, torn+1, w.Stats().Torn)
		require.NoError(t, tear(path, b))
		again := w.again(cfg)
		assert.True(t, bytes.Equal(body, read(t, again, 1, 0, 20<<10)), "in the next process")
		assert.True(t, bytes.Equal(body, read(t, again, 1, 0, 20<<10)))
		assert.Zero(t, again.Stats().Changed)
		w = again
	}
}

func theBlock(t *testing.T, dir, n string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*", "0000-0000000000000001-0000000000000001-1000"+n+"*.ltxblock"))
	require.NoError(t, err)
	require.Len(t, paths, 1)
	return paths[0]
}

// Two clients of one replica at the same time, against the advice: each keeps to the
// bound, and the next process takes one's blocks.
func TestDiskIsShared(t *testing.T) {
	cfg := cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10}
	one := newWorld(cfg)
	two := &world{cache.New(one.other, cfg), one.other, one.next}
	body := random(1, 20<<10)
	put(t, one, 1, body)
	for range 2 {
		for block := range int64(5) {
			for _, w := range []*world{one, two} {
				assert.True(t, bytes.Equal(body[block<<12:][:10], read(t, w, 1, block<<12, 10)))
			}
		}
	}
	assert.EqualValues(t, []int64{5, 5}, []int64{one.Stats().ReadHits, two.Stats().ReadHits})
	one = one.again(cfg)
	assert.True(t, bytes.Equal(body, read(t, one, 1, 0, 20<<10)))
	assert.True(t, bytes.Equal(body, read(t, one, 1, 0, 20<<10)))
	paths, size := blocksIn(t, cfg.Dir)
	assert.Len(t, paths, 5)
	assert.Equal(t, size, one.Stats().BlockBytes)
}

// The bound holds on the disk itself, also when it has become smaller. What is not of
// the cache is left alone.
func TestDiskBound(t *testing.T) {
	dir := t.TempDir()
	cfg := cache.Config{Dir: dir, BlockSize: 4 << 10, Size: 30 << 10}
	w := newWorld(cfg)
	require.NoError(t, w.Init(t.Context()))
	folders, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, folders, 1)
	folder := folders[0]
	strangers := []string{"mine.txt", "0000-1-1-1000-1-0-0.ltxblock", "0000-0000000000000001-0000000000000001-1000-1-0-00000000.ltxblock.bak"}
	leftovers := []string{"0000-0000000000000001-0000000000000001-2000-1-0-00000000.ltxblock"}
	for _, name := range append(leftovers, strangers...) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600))
	}
	w = w.again(cfg)
	const mine = 1 // the stranger that ends like a block
	body := random(1, 100<<10)
	put(t, w, 1, body)
	for range 2 {
		for offset := int64(0); offset < 100<<10; offset += 3000 {
			read(t, w, 1, offset, 3000)
			_, size := blocksIn(t, dir)
			require.LessOrEqual(t, size-mine, cfg.Size)
			require.Equal(t, size-mine, w.Stats().BlockBytes)
		}
	}
	cfg.Size, cfg.MaxRange = 10<<10, 4<<10
	w = w.again(cfg)
	require.NoError(t, w.Init(t.Context()))
	paths, size := blocksIn(t, dir)
	assert.LessOrEqual(t, size-mine, cfg.Size)
	assert.Len(t, paths, 2+1)
	for _, name := range strangers {
		assert.FileExists(t, filepath.Join(folder, name))
	}
	for _, name := range leftovers {
		assert.NoFileExists(t, filepath.Join(folder, name))
	}
}

// Of blocks that two clients have kept of two versions of a file, one client's are used.
func TestDiskOfTwoVersions(t *testing.T) {
	for name, later := range map[string]time.Duration{"at the same time": 0, "one after the other": time.Second} {
		for _, offset := range []int64{0, 4 << 10} {
			t.Run(fmt.Sprint(name, " at ", offset), func(t *testing.T) {
				cfg := cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10}
				synctest.Test(t, func(t *testing.T) {
					one, body := newWorld(cfg), random(2, 8<<10)
					two := &world{cache.New(one.next, cfg), one.next, one.other}
					for _, w := range []*world{one, two} {
						require.NoError(t, w.Init(t.Context()))
					}
					put(t, one.other, 1, random(1, 8<<10))
					read(t, one, 1, 0, 10)
					time.Sleep(later)
					put(t, one.other, 1, body)
					read(t, two, 1, offset, 10)
					paths, _ := blocksIn(t, cfg.Dir)
					require.Len(t, paths, 2)
					w := one.again(cfg)
					require.NoError(t, w.Init(t.Context()))
					// Of one moment and different blocks it does not show.
					if offset == 0 || later > 0 {
						assert.EqualValues(t, 1, w.Stats().Blocks)
						paths, _ = blocksIn(t, cfg.Dir)
						assert.Len(t, paths, 1)
					}
					assert.Equal(t, body, read(t, w, 1, 0, 8<<10))
					assert.Equal(t, body, read(t, w, 1, 0, 8<<10))
					assert.Zero(t, w.Stats().Torn)
				})
			})
		}
	}
}

// What has a block's name and is none is left alone.
func TestDiskOfStrangers(t *testing.T) {
	cfg := cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10}
	w := newWorld(cfg)
	require.NoError(t, w.Init(t.Context()))
	folders, err := filepath.Glob(filepath.Join(cfg.Dir, "*"))
	require.NoError(t, err)
	require.Len(t, folders, 1)
	now := time.Now().UnixMilli()
	folder := filepath.Join(folders[0], fmt.Sprintf("0000-0000000000000001-0000000000000001-1000-0-%x-00000000.ltxblock", now))
	file := filepath.Join(folders[0], fmt.Sprintf("0000-1-1-1000-0-%x-0.ltxblock", now)) // not as this package writes it
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	w = w.again(cfg)
	require.NoError(t, w.Init(t.Context()))
	assert.Zero(t, w.Stats().Blocks)
	assert.DirExists(t, folder)
	assert.FileExists(t, file)
}

// A disk that fails costs requests, and nothing else.
func TestDiskFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	w := newWorld(cache.Config{Dir: dir})
	put(t, w, 1, random(1, 1000))
	require.NoError(t, os.RemoveAll(dir))
	for range 2 {
		assert.Equal(t, random(1, 1000)[5:15], read(t, w, 1, 5, 10))
	}
	assert.EqualValues(t, []int64{2, 0, 0}, []int64{w.Stats().Failed, w.Stats().Blocks, w.Stats().BlockBytes})

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	err := cache.New(w.next, cache.Config{Dir: file}).Init(t.Context())
	assert.ErrorContains(t, err, "mock: init: Dir: invalid argument: ")
}
