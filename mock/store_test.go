package mock_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
)

func TestStoreCopiesObjects(t *testing.T) {
	s := mock.NewStore()
	body, metadata := []byte("body"), map[string]string{"k": "v"}
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 7200))
	s.Put("b", mock.Object{Body: body, Metadata: metadata, ModTime: at})
	s.Put("a", mock.Object{})
	body[0], metadata["k"] = 'x', "x"

	want := mock.Object{Body: []byte("body"), Metadata: map[string]string{"k": "v"}, ModTime: at.UTC()}
	got, ok := s.Get("b")
	require.True(t, ok)
	assert.Equal(t, want, got)
	got.Body[0], got.Metadata["k"] = 'y', "y"
	got, _ = s.Get("b")
	assert.Equal(t, want, got)

	o, ok := s.Get("a")
	require.True(t, ok)
	assert.False(t, o.ModTime.IsZero())
	assert.Equal(t, []string{"a", "b"}, s.Keys())
	assert.True(t, s.Delete("b"))
	assert.False(t, s.Delete("b"))
	_, ok = s.Get("b")
	assert.False(t, ok)
	assert.Equal(t, []string{"a"}, s.Keys())
}

// TestDeleteAllSpares sees a replica's neighbours survive, whatever they are.
func TestDeleteAllSpares(t *testing.T) {
	for _, test := range []struct {
		path      string
		strangers []string
	}{
		{"db", []string{"db2/ltx/0000/0000000000000001-0000000000000001.ltx", "db/notes.txt", "db",
			"db/ltx/0000/deeper/0000000000000001-0000000000000001.ltx", "db/ltx/0000/0000000000000001-0000000000000001.ltx.tmp"}},
		{"", []string{"db/ltx/0000/0000000000000001-0000000000000001.ltx", "readme"}},
	} {
		s := mock.NewStore()
		c := newClient(mock.Config{Store: s, Path: test.path})
		for _, key := range test.strangers {
			s.Put(key, mock.Object{Body: []byte("stranger")})
			s.AddLeftover(key)
		}
		before := s.Keys()
		write(t, c, 0, 1, []byte("x"))
		write(t, c, 9, 1, []byte("x"))
		own := strings.TrimPrefix(test.path+"/snapshots/0000000000000001-0000000000000001.ltx", "/")
		require.Contains(t, s.Keys(), own)
		s.AddLeftover(own)
		s.AddLeftover(own)
		assert.Len(t, s.Leftovers(), len(test.strangers)+2)
		assert.Equal(t, []ltx.TXID{1}, listed(t, c), "strangers are not listed")
		for range 2 {
			require.NoError(t, c.DeleteAll(t.Context()))
			assert.Equal(t, before, s.Keys())
			assert.Len(t, s.Leftovers(), len(test.strangers))
		}
	}
}

func TestSiblingsShareAStore(t *testing.T) {
	s := mock.NewStore()
	db := newClient(mock.Config{Store: s, Path: "/db/"})
	db2 := newClient(mock.Config{Store: s, Path: "db2", Layout: ltxstore.LayoutLitestreamS3})
	again := newClient(mock.Config{Store: s, Path: "db"})
	write(t, db, 0, 1, []byte("of db"))
	write(t, db2, 0, 1, []byte("of db2"))
	assert.Same(t, s, db.Store())
	assert.Equal(t, []string{"db/ltx/0000/0000000000000001-0000000000000001.ltx", "db2/0000/0000000000000001-0000000000000001.ltx"}, s.Keys())
	got, err := read(t.Context(), again, 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, "of db", string(got))
	require.NoError(t, again.DeleteAll(t.Context()))
	assert.Empty(t, listed(t, db))
	assert.Equal(t, []ltx.TXID{1}, listed(t, db2))
}

// lagged returns a client whose first write or delete is listed late.
func lagged(t *testing.T, cfg mock.Config, op mock.Op, lag mock.Lag) *mock.ReplicaClient {
	c := newClient(cfg)
	write(t, c, 0, 1, []byte("1"))
	c.Script(t, mock.Fault{Op: op, Lag: lag})
	return c
}

func TestLagOfWrites(t *testing.T) {
	c := lagged(t, mock.Config{}, mock.OpWrite, mock.Lag{Listings: 2})
	write(t, c, 0, 2, []byte("2"))
	got, err := read(t.Context(), c, 2, 0, 0)
	require.NoError(t, err, "reads see it at once")
	assert.Equal(t, "2", string(got))
	assert.Len(t, c.Store().Keys(), 2)
	for range 3 {
		_, err = list(t.Context(), c, 1)
		require.NoError(t, err, "another level's listing does not count")
	}
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	require.NoError(t, it.Close(), "a listing without a Next does not count")
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))
	assert.Equal(t, []ltx.TXID{1, 2}, listed(t, c))
}

func TestLagOfDeletes(t *testing.T) {
	for _, op := range []mock.Op{mock.OpDelete, mock.OpDeleteAll} {
		c := lagged(t, mock.Config{}, op, mock.Lag{Listings: 1})
		if op == mock.OpDelete {
			require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(1)}))
		} else {
			require.NoError(t, c.DeleteAll(t.Context()))
		}
		assert.Empty(t, c.Store().Keys())
		_, err := read(t.Context(), c, 1, 0, 0)
		require.Error(t, err)
		assert.Equal(t, []ltx.TXID{1}, listed(t, c), "%s: a ghost", op)
		assert.Empty(t, listed(t, c))
	}
}

func TestLagByClock(t *testing.T) {
	now := time.Unix(1000, 0)
	c := lagged(t, mock.Config{Clock: func() time.Time { return now }}, mock.OpWrite, mock.Lag{Duration: time.Minute})
	write(t, c, 0, 2, []byte("2"))
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))
	now = now.Add(time.Minute - 1)
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))
	now = now.Add(1)
	assert.Equal(t, []ltx.TXID{1, 2}, listed(t, c))
}

func TestLagHeld(t *testing.T) {
	c := lagged(t, mock.Config{}, mock.OpWrite, mock.Lag{Held: true})
	write(t, c, 0, 1, []byte("replaced"))
	size := func() int64 {
		it, err := c.LTXFiles(t.Context(), 0, 0, true)
		require.NoError(t, err)
		defer it.Close()
		require.True(t, it.Next())
		return it.Item().Size
	}
	for range 3 {
		assert.Equal(t, int64(1), size(), "the version before")
	}
	c.Store().Settle()
	assert.Equal(t, int64(len("replaced")), size())
}

// TestLagEnds sees a later change without a lag, and a change after the lag is
// over, show at once.
func TestLagEnds(t *testing.T) {
	held := mock.Lag{Held: true}
	c := lagged(t, mock.Config{}, mock.OpWrite, held)
	write(t, c, 0, 2, []byte("2"))
	write(t, c, 0, 2, []byte("22"))
	assert.Equal(t, []ltx.TXID{1, 2}, listed(t, c))

	c = lagged(t, mock.Config{}, mock.OpWrite, held)
	write(t, c, 0, 2, []byte("2"))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(2)}))
	c.Store().Settle()
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))

	// Never listed, then deleted with a lag of its own: no ghost of it.
	c = lagged(t, mock.Config{}, mock.OpWrite, held)
	c.Script(t, mock.Fault{Op: mock.OpDelete, Lag: held})
	write(t, c, 0, 2, []byte("2"))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(2)}))
	assert.Equal(t, []ltx.TXID{1}, listed(t, c))

	// The first lag is over when the second begins: the version between shows.
	now := time.Unix(1000, 0)
	c = newClient(mock.Config{Clock: func() time.Time { return now }})
	c.Script(t, mock.Fault{Op: mock.OpWrite, Times: 2, Lag: mock.Lag{Duration: time.Second}})
	write(t, c, 0, 1, []byte("1"))
	now = now.Add(time.Second)
	write(t, c, 0, 1, []byte("22"))
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	require.True(t, it.Next())
	assert.Equal(t, int64(1), it.Item().Size)
	require.NoError(t, it.Close())
}

func TestKeysOfManyFiles(t *testing.T) {
	c := newClient(mock.Config{})
	for id := ltx.TXID(3000); id > 0; id-- {
		write(t, c, 0, id, []byte("x"))
	}
	ids := listed(t, c)
	require.Len(t, ids, 3000)
	for i, id := range ids {
		require.Equal(t, ltx.TXID(i+1), id)
	}
	assert.True(t, strings.HasPrefix(c.Store().Keys()[0], "ltx/0000/"))
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, c.Store().Keys())
}

func TestRequests(t *testing.T) {
	c := newClient(mock.Config{PageSize: 2})
	s := c.Store()
	cost := func(want int64, do func()) {
		t.Helper()
		before := s.Requests()
		do()
		assert.Equal(t, want, s.Requests()-before)
	}
	for id := ltx.TXID(1); id <= 3; id++ {
		cost(1, func() { write(t, c, 0, id, ltxBody(id)) })
	}
	lookUp := func() { require.NoError(t, do(t.Context(), c, mock.OpMetadata)) }
	cost(2, func() { listed(t, c) })
	cost(2+3, lookUp)
	cost(0, func() {
		o, _ := s.Get(s.Keys()[0])
		s.Put(s.Keys()[0], mock.Object{Body: o.Body})
	})
	cost(2+3+1, lookUp)
	cost(1, func() { require.NoError(t, do(t.Context(), c, mock.OpOpen)) })
	cost(2, func() { require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{file(1), file(9)})) })
	cost(1, func() { require.NoError(t, c.DeleteAll(t.Context())) })
}
