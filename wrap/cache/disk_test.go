package cache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// Clients with one Dir each have their own blocks, also of files of the same name, and
// leave nothing in it.
func TestDisk(t *testing.T) {
	cfg := cache.Config{Dir: filepath.Join(t.TempDir(), "a", "b"), BlockSize: 4 << 10}
	bodies := [][]byte{random(1, 18<<10), random(2, 18<<10)}
	worlds := []*world{newWorld(cfg), newWorld(cfg)}
	for n, w := range worlds {
		put(t, w, 1, bodies[n])
	}
	for range 2 {
		for block := range int64(5) {
			for n, w := range worlds {
				assert.Equal(t, bodies[n][block<<12:][:10], read(t, w, 1, block<<12, 10))
			}
		}
	}
	for n, w := range worlds {
		assert.True(t, bytes.Equal(bodies[n], read(t, w, 1, 0, 20<<10)))
		stats := w.Stats()
		assert.EqualValues(t, []int64{5, 6, 5, 20 << 10}, []int64{stats.ReadMisses, stats.ReadHits, stats.Blocks, stats.BlockBytes})
		if runtime.GOOS != "windows" {
			requireEmpty(t, cfg.Dir)
		}
	}
	for _, w := range worlds {
		require.NoError(t, w.Close())
	}
	requireEmpty(t, cfg.Dir)
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// A slot that gets another block while it is read does not have the one that is read.
func TestDiskSlotsAreReused(t *testing.T) {
	w := newWorld(cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10, MaxRange: 4 << 10, Size: 8 << 10})
	body := random(1, 64<<10)
	put(t, w, 1, body)
	var all sync.WaitGroup
	for start := range int64(4) {
		all.Go(func() {
			for i := range int64(2000) {
				at := (start + i*i) % 16 << 12
				if !assert.True(t, bytes.Equal(body[at:][:4<<10], read(t, w, 1, at, 4<<10))) {
					return
				}
			}
		})
	}
	all.Wait()
	stats := w.Stats()
	assert.Positive(t, stats.ReadHits)
	assert.Positive(t, stats.Evicted)
	assert.EqualValues(t, []int64{0, 2}, []int64{stats.Changed + stats.Failed, stats.Blocks})
}

// A disk that fails costs requests, and nothing else.
func TestDiskFails(t *testing.T) {
	w := newWorld(cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10})
	body := random(1, 8<<10)
	put(t, w, 1, body)
	require.True(t, bytes.Equal(body[:10], read(t, w, 1, 0, 10)))
	require.NoError(t, w.Close()) // of the file too
	for range 2 {
		assert.True(t, bytes.Equal(body, read(t, w, 1, 0, 8<<10)))
	}
	assert.Len(t, w.next.Calls(mock.OpOpen), 3)
	assert.Positive(t, w.Stats().Failed)
	assert.EqualValues(t, []int64{0, 0}, []int64{w.Stats().Blocks, w.Stats().BlockBytes})

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	err := cache.New(w.next, cache.Config{Dir: file}).Init(t.Context())
	assert.ErrorContains(t, err, "mock: init: Dir: invalid argument: ")
}
