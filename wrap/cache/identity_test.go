package cache_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/cache"
	"github.com/ltxstore/ltxstore/wrap/readonly"
)

// twins are the bodies of two databases that were made from one template: the same
// transactions, size and first blocks.
func twins() (a, b []byte) {
	a = random(1, 20<<10)
	b = append(bytes.Clone(a[:12<<10]), random(2, 8<<10)...)
	return a, b
}

// requireTwins reads the replicas by clients of open, one after the other, again and
// again, as processes do that share a directory.
func requireTwins(t *testing.T, open func(n int) ltxstore.ReplicaClient) {
	t.Helper()
	a, b := twins()
	for n, body := range [][]byte{a, b} {
		put(t, open(n), 1, body)
	}
	for range 3 {
		for n, body := range [][]byte{a, b} {
			client := open(n)
			for block := range int64(5) {
				require.True(t, bytes.Equal(body[block<<12:][:4<<10], read(t, client, 1, block<<12, 4<<10)), "replica %d, block %d", n, block)
			}
		}
	}
}

func TestDiskOfTwoReplicas(t *testing.T) {
	cfg := cache.Config{Dir: t.TempDir(), BlockSize: 4 << 10}
	store := mock.NewStore()
	var last *cache.Client
	mocked := func(n int) ltxstore.ReplicaClient {
		client := mock.NewReplicaClient(mock.Config{Store: store, Path: fmt.Sprint("db", n)})
		client.SetLogger(nil)
		last = cache.New(client, cfg)
		return last
	}
	requireTwins(t, mocked)
	assert.EqualValues(t, []int64{1, 4}, []int64{last.Stats().ReadMisses, last.Stats().ReadHits}, "each has its own blocks")

	root := t.TempDir()
	requireTwins(t, func(n int) ltxstore.ReplicaClient {
		return cache.New(file.NewReplicaClient(file.Config{Path: filepath.Join(root, fmt.Sprint("db", n))}), cfg)
	})
	// The same path, from two working directories.
	for n := range 2 {
		require.NoError(t, os.MkdirAll(filepath.Join(root, fmt.Sprint("wd", n)), 0o700))
	}
	requireTwins(t, func(n int) ltxstore.ReplicaClient {
		t.Chdir(filepath.Join(root, fmt.Sprint("wd", n)))
		return cache.New(file.NewReplicaClient(file.Config{Path: "db"}), cfg)
	})
	// The same path, by a symbolic link that is pointed elsewhere.
	link := filepath.Join(root, "current")
	requireTwins(t, func(n int) ltxstore.ReplicaClient {
		_ = os.Remove(link)
		require.NoError(t, os.Symlink(filepath.Join(root, fmt.Sprint("wd", n)), link))
		return cache.New(file.NewReplicaClient(file.Config{Path: filepath.Join(link, "linked")}), cfg)
	})
	// One inside of what the other is.
	requireTwins(t, func(n int) ltxstore.ReplicaClient {
		layout := []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream}[n]
		return cache.New(file.NewReplicaClient(file.Config{Path: filepath.Join(root, "layouts"), Layout: layout}), cfg)
	})
}

// A cache at the top level of a litestream.yml is inherited by every database.
func TestDiskIsInherited(t *testing.T) {
	dir := t.TempDir()
	text := fmt.Sprintf(`
cache:
  dir: %s/cache
  block-size: 4KiB
dbs:
  - path: /data/one.db
    replica: {url: "file://%s/one"}
  - path: /data/two.db
    replica: {url: "file://%s/two"}
`, dir, dir, dir)
	f, err := config.Parse([]byte(text), config.Options{})
	require.NoError(t, err)
	requireTwins(t, func(n int) ltxstore.ReplicaClient {
		client, err := f.DBs[n].Replicas[0].Open(t.Context())
		require.NoError(t, err)
		require.IsType(t, &cache.Client{}, client)
		return client
	})
	folders, err := os.ReadDir(filepath.Join(dir, "cache"))
	require.NoError(t, err)
	assert.Len(t, folders, 2)
}

// stranger is a client that a program has written itself: nobody knows where its
// replica is.
type stranger struct{ ltxstore.ReplicaClient }

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	stores := []*mock.Store{mock.NewStore(), mock.NewStore()}
	open := func(identity string, n int) *cache.Client {
		next := mock.NewReplicaClient(mock.Config{Store: stores[n]})
		next.SetLogger(nil)
		return cache.New(stranger{next}, cache.Config{Dir: dir, BlockSize: 4 << 10, Identity: identity})
	}
	for _, next := range []ltxstore.ReplicaClient{stranger{mock.NewReplicaClient(mock.Config{})}, readonly.New(stranger{mock.NewReplicaClient(mock.Config{})}, readonly.Config{})} {
		err := cache.New(next, cache.Config{Dir: dir}).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, `Identity is "": want a name for the replica in Dir`)
	}
	require.NoError(t, cache.New(stranger{mock.NewReplicaClient(mock.Config{})}, cache.Config{}).Init(t.Context()), "in memory there is nothing to name")
	require.NoError(t, cache.New(stranger{mock.NewReplicaClient(mock.Config{})}, cache.Config{Dir: dir, Only: cache.OnlyListings}).Init(t.Context()))

	requireTwins(t, func(n int) ltxstore.ReplicaClient { return open(fmt.Sprint("replica ", n), n) })
	again := open("replica 1", 1)
	read(t, again, 1, 0, 1)
	read(t, again, 1, 5<<10, 1)
	assert.EqualValues(t, 1, again.Stats().ReadHits)

	// One that is inherited tells no two replicas apart: their places do.
	requireTwins(t, func(n int) ltxstore.ReplicaClient {
		next := mock.NewReplicaClient(mock.Config{Store: stores[n], Path: "known"})
		next.SetLogger(nil)
		return cache.New(next, cache.Config{Dir: dir, BlockSize: 4 << 10, Identity: "all"})
	})
}

// BlockTTL is from when a block was read, in whichever process.
func TestBlockTTLGoesOn(t *testing.T) {
	for name, restart := range map[string]time.Duration{"short steps": 600 * time.Millisecond, "long steps": 1200 * time.Millisecond, "to the end": time.Second} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				cfg := cache.Config{Dir: dir, BlockSize: 4 << 10, BlockTTL: time.Second}
				w := newWorld(cfg)
				old, now := twins()
				put(t, w.other, 1, old)
				read(t, w, 1, 0, 20<<10)
				put(t, w.other, 1, now)
				begun := time.Now()
				for time.Since(begun) < 4*time.Second {
					time.Sleep(restart)
					w = w.again(cfg)
					read(t, w, 1, 0, 1) // the same in both: what is kept is believed
					kept := bytes.Equal(old[12<<10:][:10], read(t, w, 1, 12<<10, 10))
					require.Equal(t, time.Since(begun) < time.Second, kept, "after %v", time.Since(begun))
				}
			})
		})
	}
}

// A clock that was set back does not make blocks live longer.
func TestBlocksOfTheFuture(t *testing.T) {
	dir := t.TempDir()
	cfg := cache.Config{Dir: dir, BlockSize: 4 << 10}
	var w *world
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 365 * 24 * time.Hour)
		w = newWorld(cfg)
		put(t, w, 1, random(1, 1000))
		read(t, w, 1, 0, 10)
	})
	w = w.again(cfg)
	require.NoError(t, w.Init(t.Context()))
	assert.Zero(t, w.Stats().Blocks)
	paths, _ := blocksIn(t, dir)
	assert.Empty(t, paths)
}
