package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// world is a store with two clients: one with a cache, and another's.
type world struct {
	*cache.Client
	next, other *mock.ReplicaClient
}

func newWorld(cfg cache.Config) *world {
	store := mock.NewStore()
	client := func() *mock.ReplicaClient {
		c := mock.NewReplicaClient(mock.Config{Store: store, PageSize: 16})
		c.SetLogger(nil)
		return c
	}
	next := client()
	return &world{cache.New(next, cfg), next, client()}
}

func put(t testing.TB, c ltxstore.ReplicaClient, txid ltx.TXID, body []byte) {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, txid, txid, bytes.NewReader(body))
	require.NoError(t, err)
}

func remove(t testing.TB, c ltxstore.ReplicaClient, txid ltx.TXID) {
	t.Helper()
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: txid, MaxTXID: txid}}))
}

func list(t testing.TB, c ltxstore.ReplicaClient, seek ltx.TXID) (found []ltx.TXID) {
	t.Helper()
	files, err := c.LTXFiles(t.Context(), 0, seek, false)
	require.NoError(t, err)
	for files.Next() {
		found = append(found, files.Item().MinTXID)
	}
	require.NoError(t, files.Close())
	return found
}

func read(t testing.TB, c ltxstore.ReplicaClient, txid ltx.TXID, offset, size int64) []byte {
	t.Helper()
	rc, err := c.OpenLTXFile(t.Context(), 0, txid, txid, offset, size)
	require.NoError(t, err)
	b, err := io.ReadAll(rc)
	require.NoError(t, err)
	require.NoError(t, rc.Close())
	return b
}

// random returns bytes that compress no better than others.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

func TestListingTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(cache.Config{TTL: time.Minute})
		for txid := ltx.TXID(1); txid <= 40; txid++ {
			put(t, w.other, txid, []byte("x"))
		}
		lists := func() int { return len(w.next.Calls(mock.OpList)) }
		assert.Len(t, list(t, w, 0), 40)
		assert.Equal(t, []ltx.TXID{39, 40}, list(t, w, 39), "a later seek is covered")
		assert.Empty(t, list(t, w, 41))
		assert.Equal(t, 1, lists())

		put(t, w.other, 41, []byte("x"))
		remove(t, w.other, 1)
		time.Sleep(time.Minute - 1)
		assert.Len(t, list(t, w, 0), 40, "another's change is not seen yet")
		time.Sleep(time.Nanosecond)
		assert.Equal(t, []ltx.TXID{40, 41}, list(t, w, 40), "and then it is")
		assert.Equal(t, 2, lists())
		assert.Equal(t, ltx.TXID(2), list(t, w, 0)[0], "an earlier seek is not covered")
		assert.Equal(t, 3, lists())
		stats := w.Stats()
		assert.EqualValues(t, []int64{3, 3, 40}, []int64{stats.ListHits, stats.ListMisses, stats.Files})

		files, err := w.LTXFiles(t.Context(), 0, 0, true)
		require.NoError(t, err)
		require.NoError(t, files.Close())
		assert.Equal(t, 4, lists(), "with metadata it is the store's")
	})
}

// What this client does is listed at once, also if nobody knows what it has done.
func TestOwnChangesAreListed(t *testing.T) {
	lost := func(w *world, op mock.Op) {
		require.NoError(t, w.next.Inject(mock.Fault{Op: op, LostAnswer: true, Err: ltxstore.ErrUnavailable}))
	}
	for name, tt := range map[string]struct {
		change func(t *testing.T, w *world)
		want   []ltx.TXID
	}{
		"a write":             {func(t *testing.T, w *world) { put(t, w, 7, []byte("x")) }, []ltx.TXID{5, 6, 7}},
		"a write at the seek": {func(t *testing.T, w *world) { put(t, w, 4, []byte("x")) }, []ltx.TXID{4, 5, 6}},
		"a deletion":          {func(t *testing.T, w *world) { remove(t, w, 5) }, []ltx.TXID{6}},
		"DeleteAll":           {func(t *testing.T, w *world) { require.NoError(t, w.DeleteAll(t.Context())) }, nil},
		"another level's": {func(t *testing.T, w *world) {
			require.NoError(t, w.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{Level: 1, MinTXID: 5, MaxTXID: 5}}))
		}, []ltx.TXID{5, 6}},
		"a deletion that panics": {func(t *testing.T, w *world) {
			w.next.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error {
				assert.NoError(t, w.other.DeleteLTXFiles(ctx, files))
				panic("mine")
			}
			assert.Panics(t, func() { remove(t, w, 5) })
		}, []ltx.TXID{6}},
		"a write whose answer is lost": {func(t *testing.T, w *world) {
			lost(w, mock.OpWrite)
			_, err := w.WriteLTXFile(t.Context(), 0, 8, 8, bytes.NewReader([]byte("x")))
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
		}, []ltx.TXID{5, 6, 8}},
		"a deletion whose answer is lost": {func(t *testing.T, w *world) {
			lost(w, mock.OpDelete)
			require.Error(t, w.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 6, MaxTXID: 6}}))
		}, []ltx.TXID{5}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(cache.Config{})
			put(t, w.other, 5, []byte("x"))
			put(t, w.other, 6, []byte("x"))
			require.Equal(t, []ltx.TXID{5, 6}, list(t, w, 4))
			early, err := w.LTXFiles(t.Context(), 0, 4, false)
			require.NoError(t, err)
			tt.change(t, w)
			for range 2 {
				assert.Equal(t, tt.want, list(t, w, 4))
			}
			lists := 2
			if name == "another level's" {
				lists = 1
			}
			assert.Len(t, w.next.Calls(mock.OpList), lists)
			for _, txid := range []ltx.TXID{5, 6} {
				require.True(t, early.Next(), "a listing that began before stays as it was")
				assert.Equal(t, txid, early.Item().MinTXID)
			}
			require.NoError(t, early.Close())
		})
	}
}

// A write beside a listing of the store is in every listing that begins after it.
func TestWriteRacesListing(t *testing.T) {
	w := newWorld(cache.Config{})
	for txid := ltx.TXID(1); txid <= 40; txid++ {
		put(t, w, 10*txid, []byte("x"))
	}
	files, err := w.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	require.True(t, files.Next())
	put(t, w, 15, []byte("behind where the listing is"))
	remove(t, w, 400)
	during := list(t, w, 0)
	assert.Contains(t, during, ltx.TXID(15))
	assert.NotContains(t, during, ltx.TXID(400))
	for files.Next() {
	}
	require.NoError(t, files.Close())
	assert.Equal(t, during, list(t, w, 0), "the one that began before is not kept")
}

// A listing is kept whatever becomes of another one at the same time.
func TestListingsAtTheSameTime(t *testing.T) {
	w := newWorld(cache.Config{})
	for txid := ltx.TXID(1); txid <= 100; txid++ {
		put(t, w.other, txid, []byte("x"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, err := w.LTXFiles(ctx, 0, 0, false)
	require.NoError(t, err)
	require.True(t, ended.Next())
	assert.Len(t, list(t, w, 0), 100)
	cancel()
	for ended.Next() {
	}
	require.ErrorIs(t, ended.Close(), context.Canceled)
	assert.Len(t, list(t, w, 0), 100)
	assert.Len(t, w.next.Calls(mock.OpList), 2)
	assert.EqualValues(t, 100, w.Stats().Files)
}

// A listing that fails is not kept.
func TestFailedListingIsNotKept(t *testing.T) {
	w := newWorld(cache.Config{})
	for txid := ltx.TXID(1); txid <= 40; txid++ {
		put(t, w.other, txid, []byte("x"))
	}
	require.NoError(t, w.next.Inject(mock.Fault{Op: mock.OpNext, After: 16, Err: ltxstore.ErrUnavailable}))
	files, err := w.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	n := 0
	for ; files.Next(); n++ {
	}
	assert.LessOrEqual(t, n, 16)
	require.ErrorIs(t, files.Close(), ltxstore.ErrUnavailable)
	assert.Len(t, list(t, w, 0), 40)
}

// unclosable fails to close each listing but the first sound ones, and counts those not closed.
type unclosable struct {
	ltxstore.ReplicaClient
	sound, lists, open int
}

func (c *unclosable) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	files, err := c.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
	if err != nil {
		return nil, err
	}
	c.lists++
	c.open++
	return unclosableFiles{files, c, c.lists > c.sound}, nil
}

type unclosableFiles struct {
	ltx.FileIterator
	of    *unclosable
	fails bool
}

func (f unclosableFiles) Close() error {
	f.of.open--
	err := f.FileIterator.Close()
	if f.fails {
		err = ltxstore.ErrUnavailable
	}
	return err
}

// A listing of the store is closed once, however it ends, and does not succeed if it does not close.
func TestListingsAreClosed(t *testing.T) {
	w := newWorld(cache.Config{})
	for txid := ltx.TXID(1); txid <= 40; txid++ {
		put(t, w.other, txid, []byte("x"))
	}
	for name, tt := range map[string]struct {
		read, sound int
		fault       mock.Fault
		err         error
	}{
		"to its end":        {41, 1, mock.Fault{}, nil},
		"in part":           {3, 1, mock.Fault{}, nil},
		"one that fails":    {41, 1, mock.Fault{Op: mock.OpNext, After: 20, Err: ltxstore.ErrUnavailable}, ltxstore.ErrUnavailable},
		"one not begun":     {41, 1, mock.Fault{Op: mock.OpList, Err: ltxstore.ErrUnavailable}, ltxstore.ErrUnavailable},
		"one that does not": {41, 0, mock.Fault{}, ltxstore.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.fault.Op != "" {
				require.NoError(t, w.next.Inject(tt.fault))
			}
			next := &unclosable{ReplicaClient: w.next, sound: tt.sound}
			files, err := cache.New(next, cache.Config{}).LTXFiles(t.Context(), 0, 0, false)
			if err == nil {
				for range tt.read {
					files.Next()
				}
				err = files.Close()
			}
			assert.ErrorIs(t, err, tt.err)
			assert.Zero(t, next.open)
		})
	}
}

// What is too long to be kept is listed all the same.
func TestMaxFiles(t *testing.T) {
	w := newWorld(cache.Config{MaxFiles: 30})
	for txid := ltx.TXID(1); txid <= 100; txid++ {
		put(t, w.other, txid, []byte("x"))
	}
	one, err := w.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	require.True(t, one.Next())
	assert.Len(t, list(t, w, 0), 100)
	assert.Len(t, list(t, w, 90), 11)
	n := 1
	for ; one.Next(); n++ {
	}
	require.NoError(t, one.Close())
	assert.Equal(t, 100, n)
	for _, call := range w.next.Calls(mock.OpList) {
		assert.False(t, call.UseMetadata)
	}
	assert.EqualValues(t, 11, w.Stats().Files)
	assert.Len(t, list(t, w, 90), 11)
	assert.EqualValues(t, 1, w.Stats().ListHits)
}

// Every range is what was written, whatever is kept; memory keeps to its bound.
func TestRanges(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			const size = 40 << 10
			w := newWorld(cache.Config{BlockSize: 4 << 10, MaxRange: 20 << 10, Size: size, Dir: dir})
			bodies := map[ltx.TXID][]byte{1: random(1, 50_000), 2: random(2, 8<<10), 3: random(3, 1)}
			for txid, body := range bodies {
				put(t, w.other, txid, body)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for range 600 {
				txid := ltx.TXID(1 + rng.IntN(3))
				body := bodies[txid]
				offset, n := rng.Int64N(int64(len(body))+5000), 1+rng.Int64N(22<<10)
				from := min(offset, int64(len(body)))
				want := body[from:min(from+n, int64(len(body)))]
				require.True(t, bytes.Equal(want, read(t, w, txid, offset, n)), "%d bytes from %d of %d", n, offset, len(body))
				require.LessOrEqual(t, w.Stats().BlockBytes, int64(size))
			}
			stats := w.Stats()
			assert.Positive(t, stats.ReadHits)
			assert.Positive(t, stats.Evicted)
			assert.Zero(t, stats.Changed+stats.Failed)
			assert.Less(t, len(w.next.Calls(mock.OpOpen)), 600)
		})
	}
}

func TestReadHits(t *testing.T) {
	w := newWorld(cache.Config{BlockSize: 4 << 10, MaxRange: 8 << 10})
	body := random(1, 40<<10)
	put(t, w, 1, body)
	opens := func() int { return len(w.next.Calls(mock.OpOpen)) }
	for range 3 {
		read(t, w, 1, 5000, 100)
		read(t, w, 1, 39<<10, 1<<10)
		read(t, w, 1, 40<<10, 100) // past the end of a file that ends with a block
	}
	assert.LessOrEqual(t, opens(), 3)
	assert.EqualValues(t, 2, w.Stats().Blocks, "an empty one is not kept")
	read(t, w, 1, 4000, 5000)
	assert.Equal(t, 4, opens())
	read(t, w, 1, 4<<10, 8<<10)
	assert.Equal(t, 4, opens(), "MaxRange included")
	call := w.next.Calls(mock.OpOpen)[3]
	assert.EqualValues(t, []int64{0, 12 << 10}, []int64{call.Offset, call.Size}, "whole blocks, in one request")
	read(t, w, 1, 0, 0)
	read(t, w, 1, 0, 9<<10)
	read(t, w, 1, 0, 0)
	assert.Equal(t, 7, opens(), "what is large is the store's")

	_, err := w.OpenLTXFile(t.Context(), 0, 2, 2, 0, 10)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, w.next.Inject(mock.Fault{Op: mock.OpRead, After: 10, Err: io.ErrUnexpectedEOF}))
	put(t, w.other, 2, body)
	_, err = w.OpenLTXFile(t.Context(), 0, 2, 2, 0, 100)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "what broke is not kept")
	assert.Equal(t, body[:100], read(t, w, 2, 0, 100))
}

// Reads of the same blocks at the same time are one request, which ends when nobody
// waits for it.
func TestReadsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(cache.Config{})
		put(t, w, 1, random(1, 1000))
		require.NoError(t, w.next.Inject(mock.Fault{Op: mock.OpOpen, Delay: time.Minute}))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := w.OpenLTXFile(ctx, 0, 1, 1, 0, 10)
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		for i := range int64(4) {
			wg.Go(func() { read(t, w, 1, i, 10) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		assert.Len(t, w.next.Calls(mock.OpOpen), 1)
		assert.EqualValues(t, 4, w.Stats().ReadShared)

		put(t, w, 1, random(2, 1000))
		require.NoError(t, w.next.Inject(mock.Fault{Op: mock.OpOpen, Delay: time.Hour}))
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := w.OpenLTXFile(ctx, 0, 1, 1, 0, 10)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begun))
	})
}

// A file that this client rewrites is never read half old and half new.
func TestOwnRewriteIsNeverMixed(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(cache.Config{BlockSize: 4 << 10, Dir: dir})
			body := func(version int) []byte { return bytes.Repeat([]byte{byte(version)}, 12<<10) }
			put(t, w, 1, body(0))
			done := make(chan struct{})
			var wg sync.WaitGroup
			for i := range 3 {
				wg.Go(func() {
					for n := int64(i); ; n++ {
						select {
						case <-done:
							return
						default:
						}
						b := read(t, w, 1, n*1000%9000, 3000)
						assert.Len(t, b, 3000)
						if len(bytes.Trim(b, string(b[:1]))) > 0 {
							assert.Fail(t, "two versions in one read")
							return
						}
					}
				})
			}
			for version := 1; version <= 60; version++ {
				put(t, w, 1, body(version))
				assert.EqualValues(t, version, read(t, w, 1, 11<<10, 1)[0], "at once")
			}
			close(done)
			wg.Wait()
			remove(t, w, 1)
			_, err := w.OpenLTXFile(t.Context(), 0, 1, 1, 0, 10)
			assert.ErrorIs(t, err, fs.ErrNotExist)
			assert.Zero(t, w.Stats().Blocks)
		})
	}
}

// A read beside a write of the file goes past the cache, and leaves nothing in it.
func TestReadBesideWrite(t *testing.T) {
	w := newWorld(cache.Config{})
	put(t, w, 1, []byte("old"))
	read(t, w, 1, 0, 3)
	w.next.ResetCalls()
	for _, when := range []string{"before", "after"} {
		w.next.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			if when == "before" {
				assert.EqualValues(t, "old", read(t, w, 1, 0, 3))
			}
			info, err := w.other.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
			if when == "after" {
				assert.EqualValues(t, "new", read(t, w, 1, 0, 3))
			}
			assert.Zero(t, w.Stats().Blocks)
			return info, err
		}
		put(t, w, 1, []byte("new"))
		assert.EqualValues(t, "new", read(t, w, 1, 0, 3))
	}
	assert.Len(t, w.next.Calls(mock.OpOpen), 4)
	within := false
	w.next.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		if !within {
			within = true
			put(t, w, 1, []byte("first"))
			read(t, w, 1, 0, 3)
			assert.Zero(t, w.Stats().Blocks, "while the other of two writes goes on")
		}
		return w.other.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	}
	put(t, w, 1, []byte("new"))
	read(t, w, 1, 0, 3)
	assert.EqualValues(t, 1, w.Stats().Blocks)
	w.next.DeleteAllFunc = func(ctx context.Context) error {
		read(t, w, 1, 0, 3)
		assert.Zero(t, w.Stats().Blocks)
		return w.other.DeleteAll(ctx)
	}
	require.NoError(t, w.DeleteAll(t.Context()))
	_, err := w.OpenLTXFile(t.Context(), 0, 1, 1, 0, 3)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// What others rewrite is found out by what can be seen of it, and at the latest by
// the clock.
func TestOthersRewrite(t *testing.T) {
	old, longer, other := random(1, 10_000), random(2, 11_000), random(3, 10_000)
	begin := func(t *testing.T, rewritten []byte) *world {
		w := newWorld(cache.Config{BlockSize: 4 << 10, BlockTTL: time.Hour, TTL: time.Second})
		put(t, w.other, 1, old)
		list(t, w, 0)
		read(t, w, 1, 0, 10)
		read(t, w, 1, 9000, 10)
		time.Sleep(time.Minute)
		put(t, w.other, 1, rewritten)
		require.Equal(t, old[:10], read(t, w, 1, 0, 10), "nobody can know")
		return w
	}
	for name, tt := range map[string]struct {
		rewritten []byte
		find      func(t *testing.T, w *world)
	}{
		"a listing with another size":      {longer, func(t *testing.T, w *world) { list(t, w, 0) }},
		"a listing with another time":      {other, func(t *testing.T, w *world) { list(t, w, 0) }},
		"the clock":                        {other, func(*testing.T, *world) { time.Sleep(59 * time.Minute) }},
		"a block that ends elsewhere":      {longer[:9999], func(t *testing.T, w *world) { read(t, w, 1, 5000, 5000) }},
		"a block that is read once more":   {other, func(t *testing.T, w *world) { read(t, w, 1, 0, 9500) }},
		"a block behind the file's end":    {longer[:100], func(t *testing.T, w *world) { read(t, w, 1, 5000, 10) }},
		"a file that is deleted and there": {other, func(t *testing.T, w *world) { remove(t, w, 1); put(t, w.other, 1, other) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begin(t, tt.rewritten)
				tt.find(t, w)
				assert.True(t, bytes.Equal(tt.rewritten[:10], read(t, w, 1, 0, 10)))
				assert.True(t, bytes.Equal(tt.rewritten, read(t, w, 1, 0, 11_000)))
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	for field, cfg := range map[string]cache.Config{
		"TTL": {TTL: -1}, "MaxFiles": {MaxFiles: -1}, "BlockTTL": {BlockTTL: -1}, "BlockSize": {BlockSize: 5000}, "MaxRange": {MaxRange: -1},
		"Size": {Size: 4<<10 + 255, BlockSize: 4 << 10}, "Dir": {Dir: "a\x00b"}, "Only": {Only: "files"},
	} {
		c := cache.New(mock.NewReplicaClient(mock.Config{}), cfg)
		err := c.Init(t.Context())
		assert.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, field)
		assert.ErrorIs(t, c.DeleteAll(t.Context()), fs.ErrInvalid)
		assert.Zero(t, c.Stats())
	}
	for _, cfg := range []cache.Config{
		{BlockSize: 4 << 10, Size: 4<<10 + 256}, {BlockSize: 4 << 20}, {Size: 70 << 10, MaxRange: 70 << 10},
		{MaxRange: 64 << 20}, {MaxRange: 1 << 30, Dir: t.TempDir()},
	} {
		assert.NoError(t, cache.New(mock.NewReplicaClient(mock.Config{}), cfg).Init(t.Context()), "the limits themselves are right")
	}
	assert.ErrorContains(t, cache.New(nil, cache.Config{}).Init(t.Context()), "want a client to wrap")
	for _, cfg := range []cache.Config{{Size: 70 << 10, MaxRange: 71 << 10}, {MaxRange: 64<<20 + 1}, {MaxRange: 1<<30 + 1, Dir: t.TempDir()}} {
		_, err := cache.New(mock.NewReplicaClient(mock.Config{}), cfg).OpenLTXFile(t.Context(), 0, 1, 1, 0, 1)
		assert.ErrorContains(t, err, "MaxRange")
	}
	dir := t.TempDir()
	err := cache.New(mock.NewReplicaClient(mock.Config{}), cache.Config{Dir: fmt.Sprintf("%s/\x01/%0300d", dir, 0)}).Init(t.Context())
	assert.ErrorContains(t, err, "Dir")
	assert.False(t, errors.Is(err, fs.ErrNotExist))
}

// A listing that fills the bound to the last file is kept, of each level.
func TestMaxFilesExactly(t *testing.T) {
	w := newWorld(cache.Config{MaxFiles: 24})
	for level, n := range []ltx.TXID{24, 24, 25} {
		for txid := ltx.TXID(1); txid <= n; txid++ {
			_, err := w.other.WriteLTXFile(t.Context(), level, txid, txid, bytes.NewReader([]byte("x")))
			require.NoError(t, err)
		}
		for range 2 {
			files, err := w.LTXFiles(t.Context(), level, 0, false)
			require.NoError(t, err)
			for files.Next() {
			}
			require.NoError(t, files.Close())
		}
	}
	assert.EqualValues(t, []int64{48, 2}, []int64{w.Stats().Files, w.Stats().ListHits})
}

// Only what Config.Only names is kept.
func TestOnly(t *testing.T) {
	for only, want := range map[cache.Kind][2]int{"": {1, 1}, cache.OnlyListings: {1, 2}, cache.OnlyBlocks: {2, 1}} {
		w := newWorld(cache.Config{Only: only})
		put(t, w.other, 1, []byte("body"))
		for range 2 {
			assert.Len(t, list(t, w, 0), 1)
			assert.EqualValues(t, "od", read(t, w, 1, 1, 2))
		}
		assert.Equal(t, want, [2]int{len(w.next.Calls(mock.OpList)), len(w.next.Calls(mock.OpOpen))}, only)
	}
}

// A block that ends before one that is kept is of another version.
func TestBlockEndsBeforeAnother(t *testing.T) {
	w := newWorld(cache.Config{BlockSize: 4 << 10})
	put(t, w.other, 1, random(1, 20<<10))
	read(t, w, 1, 8<<10, 10)
	put(t, w.other, 1, random(2, 5000))
	assert.Equal(t, random(2, 5000)[4096:4106], read(t, w, 1, 4096, 10))
	assert.Empty(t, read(t, w, 1, 8<<10, 10), "the old version's is dropped")
	assert.EqualValues(t, 1, w.Stats().Changed)
}

// A full block where the file is known to have ended is of another version.
func TestBlockGoesOnAfterTheEnd(t *testing.T) {
	w := newWorld(cache.Config{BlockSize: 4 << 10, Size: 2 * (4<<10 + 256), MaxRange: 8 << 10})
	body := random(1, 12<<10)
	put(t, w.other, 1, body[:5000])
	put(t, w.other, 2, body[:4096])
	read(t, w, 1, 0, 5000)
	read(t, w, 1, 0, 10)
	read(t, w, 2, 0, 10) // instead of the file's last block
	put(t, w.other, 1, body)
	assert.Equal(t, body[4096:8192], read(t, w, 1, 4096, 4096))
	assert.EqualValues(t, 1, w.Stats().Changed)
	assert.Equal(t, body[8192:8202], read(t, w, 1, 8192, 10))
}

// A kept listing drops the blocks that it contradicts, and no others.
func TestListingsAndBlocks(t *testing.T) {
	const kept, changed = 0, 1
	for name, tt := range map[string]struct {
		before, after int // bytes of the file; -1: not rewritten
		offset        int64
		size          int64
		listed        bool // before it is read
		want          int
	}{
		"a block":                               {10_000, -1, 0, 10, false, kept},
		"all":                                   {10_000, -1, 0, 10_000, false, kept},
		"full blocks":                           {8192, -1, 0, 8192, false, kept},
		"a block, listed before":                {10_000, -1, 0, 10, true, kept},
		"all, longer":                           {10_000, 10_001, 0, 10_000, false, changed},
		"all, shorter":                          {10_000, 9_999, 0, 10_000, false, changed},
		"a block, ends before":                  {10_000, 5000, 4096, 10, false, changed},
		"a block, longer than listed":           {10_000, 10_001, 0, 10, true, changed},
		"a block, rewritten before it is known": {10_000, 10_001, 0, 10, false, kept},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // all at the same time, so that it tells nothing
				w := newWorld(cache.Config{BlockSize: 4 << 10, TTL: time.Nanosecond})
				for txid := ltx.TXID(1); txid <= 3; txid++ { // the first is not read
					put(t, w.other, txid, random(1, tt.before))
				}
				if tt.listed {
					list(t, w, 0)
				}
				for txid := ltx.TXID(2); txid <= 3; txid++ {
					read(t, w, txid, tt.offset, tt.size)
					if tt.after >= 0 {
						put(t, w.other, txid, random(1, tt.after))
					}
				}
				w.next.ResetCalls()
				for range 2 {
					time.Sleep(time.Nanosecond)
					list(t, w, 0)
					for txid := ltx.TXID(2); txid <= 3; txid++ {
						read(t, w, txid, tt.offset, tt.size)
					}
					assert.EqualValues(t, 2*tt.want, w.Stats().Changed, "once")
					assert.Len(t, w.next.Calls(mock.OpOpen), 2*tt.want)
				}
			})
		})
	}
}

// A file that was missing has its BlockTTL from when it was found.
func TestMissingFileIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(cache.Config{BlockTTL: time.Hour})
		_, err := w.OpenLTXFile(t.Context(), 0, 1, 1, 0, 10)
		require.ErrorIs(t, err, fs.ErrNotExist)
		put(t, w.other, 1, []byte("body"))
		time.Sleep(59 * time.Minute)
		read(t, w, 1, 0, 10)
		time.Sleep(59 * time.Minute)
		read(t, w, 1, 0, 10)
		assert.Len(t, w.next.Calls(mock.OpOpen), 2)
	})
}

// Blocks that fill the bound exactly are all kept.
func TestSizeExactly(t *testing.T) {
	w := newWorld(cache.Config{BlockSize: 4 << 10, Size: 2 * (4<<10 + 256)})
	put(t, w.other, 1, random(1, 12<<10))
	for block := range int64(3) {
		read(t, w, 1, block<<12, 10)
		assert.EqualValues(t, min(block+1, 2), w.Stats().Blocks)
	}
	assert.EqualValues(t, 1, w.Stats().Evicted)
	read(t, w, 1, 0, 10)
	assert.Len(t, w.next.Calls(mock.OpOpen), 4, "one that was dropped is read again")
}

// A listing that is closed while more of it is read is not kept.
func TestClosedListingIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(cache.Config{MaxFiles: 100})
		for txid := ltx.TXID(1); txid <= 90; txid++ {
			put(t, w.other, txid, []byte("x"))
		}
		require.NoError(t, w.next.Inject(mock.Fault{Op: mock.OpNext, After: 40, Delay: time.Hour}))
		files, err := w.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		for range 9 { // the store is asked for the second page but one
			require.True(t, files.Next())
		}
		synctest.Wait()
		require.NoError(t, files.Close())
		assert.Zero(t, w.Stats().Files)
		for range 2 {
			assert.Len(t, list(t, w, 0), 90)
		}
		assert.EqualValues(t, 1, w.Stats().ListHits)
	})
}
