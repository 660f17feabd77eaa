package file

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
)

// TestSweep leaves what is young, whatever its modification time, and what is
// not a temporary of this replica.
func TestSweep(t *testing.T) {
	root := t.TempDir()
	name := ltx.FormatFilename(1, 1)
	ours := put(t, root, "ltx/0000/"+backend.TempName(name), "left")
	litestreams := put(t, root, "snapshots/"+name+".tmp", "left")
	strangers := []string{
		put(t, root, "ltx/0000/x.tmp", ""),
		put(t, root, "ltx/0/"+backend.TempName(name), "a sibling layout's"),
		put(t, root, backend.TempName(name), "in no level"),
		put(t, root, "ltx/0000/"+name, "a file"),
	}
	dir := filepath.Join(root, "ltx", "0000", backend.TempName(name))
	require.NoError(t, os.Mkdir(dir, 0o755))
	old := time.Now().Add(-1000 * time.Hour)
	require.NoError(t, os.Chtimes(ours, old, old)) // as a writer does before it renames

	now := time.Now()
	c := newClient(t, Config{Path: root, SweepAge: time.Minute, Clock: func() time.Time { return now.Add(50 * time.Second) }})
	require.NoError(t, c.Init(t.Context()))
	assert.FileExists(t, ours, "nothing happened to it for less than a minute")
	assert.FileExists(t, litestreams)

	clock := now.Add(2 * time.Minute)
	c = newClient(t, Config{Path: root, SweepAge: time.Minute, Clock: func() time.Time { return clock }})
	require.NoError(t, c.Init(t.Context()))
	assert.NoFileExists(t, ours)
	assert.NoFileExists(t, litestreams)
	for _, path := range append(strangers, dir) {
		_, err := os.Lstat(path)
		assert.NoError(t, err, path)
	}

	again := put(t, root, "ltx/0000/"+backend.TempName(name), "left")
	clock = clock.Add(time.Hour)
	require.NoError(t, c.Init(t.Context()))
	assert.FileExists(t, again, "a client sweeps once")
}

func TestSweepFailureDoesNotKeepFromReading(t *testing.T) {
	root := t.TempDir()
	write(t, newClient(t, Config{Path: root}), 0, 1, 1, []byte("x"))
	left := put(t, root, "ltx/0000/"+backend.TempName(ltx.FormatFilename(1, 1)), "left")
	var log bytes.Buffer
	c := newClient(t, Config{Path: root, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Clock: func() time.Time { return time.Now().Add(2 * defaultSweepAge) }})
	c.disk.fsys = &scriptFS{before: func(op, _ string) error {
		if op == "remove" {
			return syscall.EROFS
		}
		return nil
	}}
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
	assert.FileExists(t, left)
	assert.Contains(t, log.String(), syscall.EROFS.Error())
}

func TestSweepCancelledIsTriedAgain(t *testing.T) {
	root := t.TempDir()
	for range 10 {
		put(t, root, "ltx/0000/"+backend.TempName(ltx.FormatFilename(1, 1)), "left")
	}
	c := newClient(t, Config{Path: root, Clock: func() time.Time { return time.Now().Add(2 * defaultSweepAge) }})
	ctx, cancel := context.WithCancel(t.Context())
	c.disk.fsys = &scriptFS{before: func(string, string) error { cancel(); return nil }}
	require.ErrorIs(t, c.Init(ctx), context.Canceled)
	assert.Len(t, temps(t, root), 9)
	require.NoError(t, c.Init(t.Context()))
	assert.Empty(t, temps(t, root))
}

// TestSweepDuringAWrite has a writer stopped just before its rename, when
// its temporary has the header's time, long past.
func TestSweepDuringAWrite(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	c.disk.fsys = &scriptFS{before: func(op, _ string) error {
		if op == "rename" {
			other := newClient(t, Config{Path: root, SweepAge: time.Minute})
			return other.Init(t.Context())
		}
		return nil
	}}
	b := body(t, 1, 1, 500, epoch, 0)
	write(t, c, 0, 1, 1, b)
	assert.Equal(t, b, read(t, c, 0, 1, 1))
}

func TestInitFromManyGoroutines(t *testing.T) {
	root := t.TempDir()
	put(t, root, "ltx/0000/"+backend.TempName(ltx.FormatFilename(1, 1)), "left")
	var mu sync.Mutex
	sweeps := 0
	c := newClient(t, Config{Path: root, Clock: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		sweeps++
		return time.Now()
	}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			assert.NoError(t, c.Init(t.Context()))
			c.SetLogger(slog.New(slog.DiscardHandler))
		})
	}
	wg.Wait()
	assert.Equal(t, 1, sweeps)
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	c := newClient(t, Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))})
	write(t, c, 3, 1, 2, []byte("x"))
	for _, want := range []string{"level=INFO", "ltx write done", "replica=file", "level=3", "minTXID=0000000000000001", "maxTXID=0000000000000002", "size=1"} {
		assert.Contains(t, log.String(), want)
	}
	log.Reset()
	read(t, c, 3, 1, 2)
	_, _ = list(t.Context(), c, 3, 0, false)
	_, err := c.OpenLTXFile(t.Context(), 3, 9, 9, 0, 0)
	require.Error(t, err)
	assert.Empty(t, log.String(), "what reads, and a missing file, is no news")

	_, err = c.WriteLTXFile(t.Context(), 3, 1, 1, io.MultiReader())
	require.Error(t, err)
	assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"))
	c.SetLogger(nil)
	log.Reset()
	write(t, c, 3, 1, 2, []byte("x"))
	assert.Empty(t, log.String())
}
