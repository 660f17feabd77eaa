package mock_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
)

func TestZeroValue(t *testing.T) {
	var c mock.ReplicaClient
	c.SetLogger(nil)
	assert.Equal(t, "mock", c.Type())
	body := ltxBody(1)
	info := write(t, &c, 0, 1, body)
	assert.Equal(t, &ltx.FileInfo{MinTXID: 1, MaxTXID: 1, Size: int64(len(body)), CreatedAt: headerTime}, info)
	got, err := read(t.Context(), &c, 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, body, got)
	assert.Equal(t, []string{"ltx/0000/0000000000000001-0000000000000001.ltx"}, c.Store().Keys())
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, c.Store().Keys())
	require.NoError(t, c.Close())
	require.NoError(t, ltxstore.Init(t.Context(), &c))
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]mock.Config{
		"PageSize is -1: want 0 (default) or more": {PageSize: -1},
		"Clock is": {Clock: func() time.Time { return time.Time{} }},
		"Layout: layout is layout(77): want one of":    {Layout: 77},
		`Path: path is "a/../b": want no ".." segment`: {Path: "a/../b"},
	} {
		c := newClient(cfg)
		for range 2 { // a failed Init leaves no state
			err := c.Init(t.Context())
			require.ErrorIs(t, err, fs.ErrInvalid)
			require.ErrorContains(t, err, name)
		}
		_, err := c.LTXFiles(t.Context(), 0, 0, false)
		require.ErrorIs(t, err, fs.ErrInvalid)
		_, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrInvalid)
		_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorIs(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(1)}), fs.ErrInvalid)
		require.ErrorIs(t, c.DeleteAll(t.Context()), fs.ErrInvalid)
		require.NoError(t, c.DeleteLTXFiles(t.Context(), nil), "no file: no request")
	}
}

func TestArgumentsAreChecked(t *testing.T) {
	c := newClient(mock.Config{})
	ctx := t.Context()
	_, err := c.LTXFiles(ctx, -1, 0, false)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = c.OpenLTXFile(ctx, 0, 2, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = c.OpenLTXFile(ctx, 0, 1, 1, -1, 0)
	require.ErrorContains(t, err, "offset is -1")
	_, err = c.WriteLTXFile(ctx, ltxstore.MaxLevel+1, 1, 1, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = c.WriteLTXFile(ctx, 0, 1, 1, nil)
	require.ErrorContains(t, err, "r is <nil>: want a body")

	write(t, c, 0, 1, ltxBody(1))
	err = c.DeleteLTXFiles(ctx, []*ltx.FileInfo{file(1), nil})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "files[1]")
	err = c.DeleteLTXFiles(ctx, []*ltx.FileInfo{file(1), {Level: -1}})
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.Equal(t, []ltx.TXID{1}, listed(t, c), "nothing is deleted when an argument is wrong")

	var typed *ltxstore.Error
	require.ErrorAs(t, err, &typed)
	assert.Equal(t, fs.ErrInvalid, typed.Kind)
}

func TestWriteOnce(t *testing.T) {
	c := newClient(mock.Config{WriteOnce: true})
	first := write(t, c, 0, 1, []byte("one"))
	assert.Equal(t, first, write(t, c, 0, 1, []byte("one")))
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("two"))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "3 bytes")
	got, err := read(t.Context(), c, 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, "one", string(got))
}

func TestTimes(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 123, time.FixedZone("CET", 3600))
	c := newClient(mock.Config{Clock: func() time.Time { return now }})
	write(t, c, 0, 1, ltxBody(1))
	plain := write(t, c, 0, 2, []byte("plain"))
	assert.Equal(t, now.UTC(), plain.CreatedAt)

	times := func(useMetadata bool) []time.Time {
		it, err := c.LTXFiles(t.Context(), 0, 0, useMetadata)
		require.NoError(t, err)
		infos, err := ltx.SliceFileIterator(it)
		require.NoError(t, err)
		return []time.Time{infos[0].CreatedAt, infos[1].CreatedAt}
	}
	assert.Equal(t, []time.Time{now.UTC(), now.UTC()}, times(false))
	assert.Equal(t, []time.Time{headerTime, now.UTC()}, times(true))

	key := c.Store().Keys()[0]
	o, ok := c.Store().Get(key)
	require.True(t, ok)
	assert.Equal(t, map[string]string{"litestream-timestamp": "2020-01-02T03:04:05.678Z",
		"min-txid": "1", "max-txid": "1", "level": "0"}, o.Metadata)
	o.Metadata["litestream-timestamp"] = "2021-01-02T03:04:05.678Z"
	c.Store().Put(key, o)
	assert.Equal(t, headerTime.AddDate(1, 0, 0), times(true)[0], "the metadata is what counts")
	for _, damage := range []string{"", "yesterday", "0001-01-01T00:00:00Z"} {
		o.Metadata["litestream-timestamp"] = damage
		c.Store().Put(key, o)
		assert.Equal(t, headerTime, times(true)[0], "%q is replaced by the header", damage)
	}

	for _, broken := range [][]byte{ltxBody(1)[:50], append(o.Body[:4:4], make([]byte, 96)...)} {
		c.Store().Put(key, mock.Object{Body: broken})
		it, err := c.LTXFiles(t.Context(), 0, 0, true)
		require.NoError(t, err)
		assert.False(t, it.Next())
		require.ErrorIs(t, it.Err(), ltxstore.ErrChecksum)
		require.ErrorContains(t, it.Close(), key)
	}
}

func TestReaderKeepsItsVersion(t *testing.T) {
	c := newClient(mock.Config{})
	body := ltxBody(1)
	write(t, c, 0, 1, body)
	rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 100, 50)
	require.NoError(t, err)
	write(t, c, 0, 1, []byte("another"))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(1)}))
	require.NoError(t, iotest.TestReader(rc, body[100:150]))
	require.NoError(t, rc.Close())
	require.NoError(t, rc.Close())
	_, err = rc.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestContextDone(t *testing.T) {
	c := newClient(mock.Config{})
	write(t, c, 0, 1, ltxBody(1))
	ctx, cancel := context.WithCancelCause(t.Context())
	rc, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	require.NoError(t, err)
	it, err := c.LTXFiles(ctx, 0, 0, false)
	require.NoError(t, err)
	src := io.MultiReader(bytes.NewReader(ltxBody(2)), readerFunc(func([]byte) (int, error) {
		cancel(errInjected)
		return 0, io.EOF
	}))
	_, err = c.WriteLTXFile(ctx, 0, 2, 2, src)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errInjected, "the cause is told")
	_, err = rc.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, it.Next())
	require.ErrorIs(t, it.Close(), context.Canceled)

	require.ErrorIs(t, c.Init(ctx), context.Canceled)
	require.ErrorIs(t, c.DeleteAll(ctx), context.Canceled)
	require.ErrorIs(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{file(1)}), context.Canceled)
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))
}

// TestOverrides sees every method replaced, logged, and calling the default.
func TestOverrides(t *testing.T) {
	c := newClient(mock.Config{})
	ctx := t.Context()
	c.TypeFunc = func() string { return "s3" }
	c.InitFunc = func(context.Context) error { return errInjected }
	c.CloseFunc = func() error { return errInjected }
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		return c.Default().LTXFiles(ctx, level+1, seek, useMetadata)
	}
	c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		return c.Default().OpenLTXFile(ctx, level+1, minTXID, maxTXID, offset, size)
	}
	c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		return c.Default().WriteLTXFile(ctx, level+1, minTXID, maxTXID, r)
	}
	c.DeleteLTXFilesFunc = func(context.Context, []*ltx.FileInfo) error { return errInjected }
	c.DeleteAllFunc = func(ctx context.Context) error { return errors.Join(errInjected, c.Default().DeleteAll(ctx)) }

	assert.Equal(t, "s3", c.Type())
	assert.Equal(t, "mock", c.Default().Type())
	require.ErrorIs(t, c.Init(ctx), errInjected)
	require.ErrorIs(t, c.Close(), errInjected)
	body := ltxBody(7)
	assert.Equal(t, 1, write(t, c, 0, 7, body).Level)
	assert.Equal(t, []ltx.TXID{7}, listed(t, c))
	got, err := read(ctx, c, 7, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, body, got)
	require.ErrorIs(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{file(7)}), errInjected)
	require.ErrorIs(t, c.DeleteAll(ctx), errInjected)
	assert.Empty(t, c.Store().Keys())

	calls := c.Calls()
	require.Len(t, calls, 7, "Default is not logged again")
	assert.Equal(t, int64(len(body)), c.Calls(mock.OpWrite)[0].Bytes)
	assert.Equal(t, int64(len(body)), c.Calls(mock.OpOpen)[0].Bytes)
	assert.Equal(t, 1, c.Calls(mock.OpList)[0].Items)

	c.OpenLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) { return nil, nil }
	c.LTXFilesFunc = func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) { return nil, nil }
	c.WriteLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) { return nil, nil }
	rc, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	assert.True(t, rc == nil && err == nil, "nothing is made of nothing")
	it, err := c.LTXFiles(ctx, 0, 0, false)
	assert.True(t, it == nil && err == nil)
	info, err := c.WriteLTXFile(ctx, 0, 1, 1, nil)
	assert.True(t, info == nil && err == nil)
}

func TestLog(t *testing.T) {
	var buf syncBuffer
	c := mock.NewReplicaClient(mock.Config{Logger: slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	write(t, c, 0, 1, ltxBody(1))
	_, err := read(t.Context(), c, 1, 0, 10)
	require.NoError(t, err)
	listed(t, c)
	inject(t, c, mock.Fault{Op: mock.OpDelete, Err: errInjected})
	require.Error(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(1)}))
	require.NoError(t, c.DeleteAll(t.Context()))
	log := buf.String()
	for _, line := range []string{
		`level=DEBUG msg="ltx write starting" replica=mock level=0 minTXID=0000000000000001 maxTXID=0000000000000001`,
		`level=INFO msg="ltx write done"`,
		`level=DEBUG msg="ltx open done" replica=mock level=0 minTXID=0000000000000001 maxTXID=0000000000000001 size=10`,
		`level=DEBUG msg="ltx list done" replica=mock level=0 files=1`,
		`level=ERROR msg="ltx delete failed" replica=mock files=1 failed=1`,
		`level=INFO msg="ltx delete all done" replica=mock`,
	} {
		assert.Equal(t, 1, strings.Count(log, line), "%s in\n%s", line, log)
	}
	c.SetLogger(nil)
	write(t, c, 0, 1, ltxBody(1))
	assert.Equal(t, log, buf.String())
}

// TestConcurrently is for the race detector, and for the sum of it all.
func TestConcurrently(t *testing.T) {
	c := newClient(mock.Config{PageSize: 3})
	inject(t, c, mock.Fault{Op: mock.OpWrite, Nth: 3, Times: -1, Levels: []int{1}, Err: errInjected},
		mock.Fault{Op: mock.OpDelete, Times: -1, Lag: mock.Lag{Listings: 1}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				id := ltx.TXID(i*100 + j + 1)
				body := ltxBody(id)
				_, err := c.WriteLTXFile(t.Context(), 0, id, id, bytes.NewReader(body))
				assert.NoError(t, err)
				_, _ = c.WriteLTXFile(t.Context(), 1, id, id, bytes.NewReader(body))
				got, err := read(t.Context(), c, id, 0, 0)
				assert.NoError(t, err)
				assert.Equal(t, body, got)
				_, err = list(t.Context(), c, 0)
				assert.NoError(t, err)
				if j%2 == 0 {
					assert.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(id)}))
				}
				c.SetLogger(nil)
				_, _ = c.Calls(mock.OpWrite), c.UnusedFaults()
			}
		})
	}
	wg.Wait()
	assert.Len(t, c.Store().Keys(), 8*10+2)
	assert.Len(t, c.Calls(mock.OpWrite), 2*8*20)
	c.Store().Settle()
	assert.Len(t, listed(t, c), 8*10)
}

func TestListingWhileTheLevelChanges(t *testing.T) {
	c := newClient(mock.Config{PageSize: 2})
	for id := ltx.TXID(10); id <= 20; id++ {
		write(t, c, 0, id, []byte("x"))
	}
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	seen := map[ltx.TXID]int{}
	var last ltx.TXID
	for it.Next() {
		id := it.Item().MinTXID
		assert.Greater(t, id, last)
		last = id
		seen[id]++
		write(t, c, 0, id-9, []byte("x"))
		if id == 10 {
			require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(19)}))
		}
	}
	require.NoError(t, it.Close())
	for id := ltx.TXID(10); id <= 20; id++ {
		if id != 19 {
			assert.Equal(t, 1, seen[id], "file %d", id)
		}
	}
	assert.Zero(t, seen[19], "deleted long before its page was fetched")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
