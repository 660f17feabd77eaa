package mirror_test

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// fileLike is one that replicas read on their own.
type fileLike struct{ *bytes.Reader }

func (fileLike) Read([]byte) (int, error)          { panic("mine") }
func (fileLike) ReadAt([]byte, int64) (int, error) { panic("mine") }
func (fileLike) WriteTo(io.Writer) (int64, error)  { panic("mine") }

// A panic of what the caller gives is one of the caller's goroutine, whichever it
// happens in, and nothing is under way any more then.
func TestPanics(t *testing.T) {
	type file = ltx.FileInfo
	write := func(r io.Reader) func(context.Context, *world) error {
		return func(ctx context.Context, w *world) error {
			_, err := w.WriteLTXFile(ctx, 0, 1, 1, r)
			return err
		}
	}
	list := func(ctx context.Context, w *world) error {
		_, err := ltxstore.FindLTXFiles(ctx, w, 0, false, func(*file) (bool, error) { return true, nil })
		return err
	}
	for name, tt := range map[string]struct {
		damage func(*mock.ReplicaClient)
		do     func(context.Context, *world) error
	}{
		"a body":             {nil, write(readFunc(func([]byte) (int, error) { panic("mine") }))},
		"a body like a file": {nil, write(fileLike{bytes.NewReader([]byte("body"))})},
		"a client that writes": {func(c *mock.ReplicaClient) {
			c.WriteLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) { panic("mine") }
		}, func(ctx context.Context, w *world) error {
			return write(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), readFunc(func([]byte) (int, error) {
				time.Sleep(time.Second) // until the panic has stopped the other replica
				return 0, io.EOF
			})))(ctx, w)
		}},
		"a client that initializes": {func(c *mock.ReplicaClient) { c.InitFunc = func(context.Context) error { panic("mine") } },
			func(ctx context.Context, w *world) error { return w.Init(ctx) }},
		"a client that deletes": {func(c *mock.ReplicaClient) { c.DeleteAllFunc = func(context.Context) error { panic("mine") } },
			func(ctx context.Context, w *world) error { return w.DeleteAll(ctx) }},
		"a client that lists": {func(c *mock.ReplicaClient) {
			c.LTXFilesFunc = func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) { panic("mine") }
		}, list},
		"a client that opens": {func(c *mock.ReplicaClient) {
			c.OpenLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) { panic("mine") }
		}, func(ctx context.Context, w *world) error {
			_, err := w.OpenLTXFile(ctx, 0, 9, 9, 0, 0)
			return err
		}},
	} {
		for n := range 2 {
			if tt.damage == nil && n > 0 || name == "a client that opens" && n > 0 {
				continue
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
					w := newWorld(2, mirror.Config{})
					if tt.damage != nil {
						tt.damage(w.replicas[n])
					}
					require.PanicsWithValue(t, "mine", func() { _ = tt.do(t.Context(), w) })
					for _, c := range w.replicas {
						c.WriteLTXFileFunc = nil
						assert.NotContains(t, c.Store().Keys(), "ltx/0000/0000000000000001-0000000000000001.ltx")
					}
					_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader([]byte("body")))
					require.NoError(t, err, "the name is free again")
				})
			})
		}
	}
}

func put(t *testing.T, c ltxstore.ReplicaClient, id ltx.TXID) {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, id, id, bytes.NewReader([]byte("body")))
	require.NoError(t, err)
}

// A body that ends its goroutine, as a test's does that has failed, ends the caller's.
func TestGoexit(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	returned := false
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = w.WriteLTXFile(t.Context(), 0, 1, 1, readFunc(func([]byte) (int, error) {
			runtime.Goexit()
			return 0, nil
		}))
		returned = true
	})
	wg.Wait()
	assert.False(t, returned)
	assert.Empty(t, w.replicas[0].Store().Keys())
}

// A body is not read on when every replica has failed.
func TestFailedReplicasReadNoMore(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	for n := range w.replicas {
		w.fail(n, ltxstore.ErrUnavailable)
	}
	n := 0
	_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, readFunc(func(p []byte) (int, error) {
		if n += len(p); n > 10<<20 {
			return 0, io.EOF
		}
		return len(p), nil
	}))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.Less(t, n, 1<<20)
}

// A hook that panics while a listing is read ahead does so where that is read.
func TestHookPanics(t *testing.T) {
	store := func() *mock.ReplicaClient { return mock.NewReplicaClient(mock.Config{PageSize: 4}) }
	one, two := store(), store()
	m := mirror.New(one, mirror.Config{Others: []ltxstore.ReplicaClient{two}, OnFailure: func(mirror.Failure) { panic("mine") }})
	m.SetLogger(nil)
	for id := ltx.TXID(1); id <= 40; id++ {
		put(t, m, id)
	}
	require.NoError(t, two.Inject(mock.Fault{Op: mock.OpNext, After: 20, Err: ltxstore.ErrUnavailable}))
	assert.PanicsWithValue(t, "mine", func() {
		files, err := m.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		defer files.Close()
		for files.Next() {
		}
	})
}
