package codec_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

func file(id ltx.TXID) layer.File { return layer.File{MinTXID: id, MaxTXID: id} }

func TestCache(t *testing.T) {
	c := codec.NewCache[string](2 * 3 * (192 + 10))
	for id := range ltx.TXID(3) {
		c.Put(file(id), "v", 10)
	}
	_, ok := c.Get(file(0)) // now the youngest
	assert.True(t, ok)
	c.Put(file(3), "v", 10)
	_, ok = c.Get(file(1))
	assert.False(t, ok, "the oldest is forgotten")
	for _, id := range []ltx.TXID{0, 2, 3} {
		_, ok = c.Get(file(id))
		assert.True(t, ok, id)
	}
	c.Put(file(0), "other", 200) // in place of two
	v, _ := c.Get(file(0))
	assert.Equal(t, "other", v)
	_, ok = c.Get(file(2))
	assert.False(t, ok)
	c.Put(file(9), "too large", 1<<20)
	_, ok = c.Get(file(9))
	assert.False(t, ok)
	_, ok = c.Get(file(0))
	assert.True(t, ok)
	c.Drop(file(0))
	_, ok = c.Get(file(0))
	assert.False(t, ok)
	c.Clear()
	_, ok = c.Get(file(3))
	assert.False(t, ok)
}

func TestSource(t *testing.T) {
	s, err := codec.NewSource(t.Context(), file(1), iotest.HalfReader(strings.NewReader("a plain body")))
	require.NoError(t, err)
	assert.EqualValues(t, codec.NotLTX, s.Timestamp)
	assert.Error(t, s.Ended())
	first := make([]byte, 3)
	_, err = io.ReadFull(s, first)
	require.NoError(t, err)
	open := func(content string) func() (io.ReadCloser, error) {
		return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
	}
	same, err := s.Equals(open("a plain body"))
	require.NoError(t, err)
	assert.True(t, same)
	assert.EqualValues(t, 12, s.Size)
	require.NoError(t, s.Ended())
	for _, other := range []string{"a plain bodY", "a plain body ", "a plain bod", ""} {
		same, err := s.Equals(open(other))
		require.NoError(t, err)
		assert.False(t, same, other)
	}
	_, err = s.Equals(func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe })
	assert.ErrorIs(t, err, io.ErrClosedPipe)

	broken := errors.New("broken")
	reads := 0
	s, err = codec.NewSource(t.Context(), file(1), io.MultiReader(bytes.NewReader(make([]byte, 200)), reader(func([]byte) (int, error) {
		reads++
		return 0, broken
	})))
	require.NoError(t, err)
	for range 3 {
		_, err = io.Copy(io.Discard, s)
		assert.ErrorIs(t, err, broken)
	}
	assert.Equal(t, 1, reads, "a reader that failed is left alone")
	_, err = s.Equals(open(""))
	assert.ErrorIs(t, err, broken)

	ctx, cancel := context.WithCancel(t.Context())
	s, err = codec.NewSource(ctx, file(1), strings.NewReader("a plain body"))
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(s)
	assert.ErrorIs(t, err, context.Canceled)

	s, err = codec.NewSource(t.Context(), file(1), io.MultiReader(bytes.NewReader(make([]byte, 200)), reader(func([]byte) (int, error) { return 0, nil })))
	require.NoError(t, err)
	_, err = io.ReadAll(s)
	assert.ErrorIs(t, err, io.ErrNoProgress)
	s, err = codec.NewSource(t.Context(), file(1), io.MultiReader(bytes.NewReader(make([]byte, 200)), reader(func(p []byte) (int, error) { return len(p) + 1, nil })))
	require.NoError(t, err)
	_, err = io.ReadAll(s)
	assert.ErrorContains(t, err, "impossible")
}

type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

func TestStat(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{PageSize: 2})
	next.SetLogger(nil)
	for _, f := range []layer.File{{Level: 0, MinTXID: 1, MaxTXID: 1}, {Level: 0, MinTXID: 3, MaxTXID: 3}, {Level: 0, MinTXID: 3, MaxTXID: 4}, {Level: 0, MinTXID: 3, MaxTXID: 9}, {Level: 0, MinTXID: 5, MaxTXID: 5}} {
		_, err := next.WriteLTXFile(t.Context(), f.Level, f.MinTXID, f.MaxTXID, strings.NewReader(strings.Repeat("x", int(f.MaxTXID))))
		require.NoError(t, err)
	}
	info, err := codec.Stat(t.Context(), layer.Next{Client: next}, layer.File{MinTXID: 3, MaxTXID: 9})
	require.NoError(t, err)
	assert.EqualValues(t, 9, info.Size)
	for _, f := range []layer.File{{Level: 0, MinTXID: 3, MaxTXID: 5}, {Level: 0, MinTXID: 2, MaxTXID: 2}, {Level: 0, MinTXID: 9, MaxTXID: 9}, {Level: 1, MinTXID: 1, MaxTXID: 1}} {
		_, err = codec.Stat(t.Context(), layer.Next{Client: next}, f)
		assert.ErrorIs(t, err, fs.ErrNotExist)
		assert.True(t, layer.IsMissing(err))
	}
	require.NoError(t, next.Inject(mock.Fault{Op: mock.OpNext, After: 1, Err: io.ErrClosedPipe}))
	_, err = codec.Stat(t.Context(), layer.Next{Client: next}, layer.File{MinTXID: 3, MaxTXID: 9})
	assert.ErrorIs(t, err, io.ErrClosedPipe)
	assert.False(t, layer.IsMissing(ltxstore.ErrStoreNotFound))
}

func TestPieces(t *testing.T) {
	pieces := [][]byte{[]byte("one"), {}, []byte("two"), []byte("three")}
	newPieces := func(skip, left int64) *codec.Pieces {
		rest := pieces
		return &codec.Pieces{Ctx: t.Context(), Skip: skip, Left: left, Store: mock.NewReplicaClient(mock.Config{}),
			Next: func() ([]byte, error) {
				if len(rest) == 0 {
					return nil, io.EOF
				}
				first := rest[0]
				rest = rest[1:]
				return first, nil
			}}
	}
	for _, tt := range []struct {
		skip, left int64
		want       string
	}{{0, -1, "onetwothree"}, {2, -1, "etwothree"}, {3, 3, "two"}, {4, 100, "wothree"}, {11, -1, ""}, {50, 5, ""}, {0, 0, ""}} {
		require.NoError(t, iotest.TestReader(newPieces(tt.skip, tt.left), []byte(tt.want)), "%v", tt)
		p := newPieces(tt.skip, tt.left)
		_, err := p.Opened()
		require.NoError(t, err)
		require.NoError(t, p.Close())
		_, err = p.Read(make([]byte, 1))
		assert.ErrorIs(t, err, fs.ErrClosed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := newPieces(0, -1)
	p.Ctx = ctx
	_, err := p.Read(make([]byte, 1))
	require.NoError(t, err)
	cancel()
	_, err = p.Read(make([]byte, 1))
	assert.ErrorIs(t, err, context.Canceled, "though there is more of the piece")
}

// unclosable is a client whose listings fail to close.
type unclosable struct{ ltxstore.ReplicaClient }

type unclosableFiles struct{ ltx.FileIterator }

func (c unclosable) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	files, err := c.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
	return unclosableFiles{files}, err
}

func (f unclosableFiles) Close() error { return errors.Join(io.ErrClosedPipe, f.FileIterator.Close()) }

// What a listing fails with when it is closed hides neither a file that is missing nor itself.
func TestStatDoesNotClose(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{})
	next.SetLogger(nil)
	_, err := next.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
	require.NoError(t, err)
	_, err = codec.Stat(t.Context(), layer.Next{Client: unclosable{next}}, file(1))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
	_, err = codec.Stat(t.Context(), layer.Next{Client: unclosable{next}}, file(2))
	assert.ErrorIs(t, err, fs.ErrNotExist)
}
