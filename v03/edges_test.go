package v03_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/v03"
)

// A snapshot alone is one LTX file, which is a snapshot already.
func TestConvertSnapshotAlone(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.snapshot()
	dst := empty()
	got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.TXID)
	assert.Equal(t, 1, got.Written)
	same(t, r.db, restoredLTX(t, dst, restore.Target{}))
}

// A snapshot that has a page of the very first segment is whole after that.
func TestConvertSnapshotWithAPageOfTheFirstSegment(t *testing.T) {
	r := newReplica(t, 1, 512)
	mixed := bytes.Clone(r.db)
	r.transaction(3, 1, 2)
	copy(mixed[512:1024], r.db[512:])
	r.put("snapshots/00000000.snapshot.lz4", pack(t, mixed))
	r.sync()
	first := bytes.Clone(r.db)
	r.transaction(3, 3)
	r.sync()
	dst := empty()
	got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, got.TXID)
	same(t, first, restoredLTX(t, dst, restore.Target{TXID: 1}))
	same(t, r.db, restoredLTX(t, dst, restore.Target{TXID: 2}))
}

// A snapshot that is complete only with a segment that is lost is no state of the database.
func TestConvertIncompleteSnapshot(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.transaction(3, 1)
	r.sync()
	mixed := bytes.Clone(r.db)
	r.transaction(3, 2, 3)
	r.sync()
	copy(mixed[512:1024], r.db[512:])
	r.put("snapshots/00000000.snapshot.lz4", pack(t, mixed))
	key := r.key("wal/00000000_" + hex8(r.last().offset) + ".wal.lz4")
	o, ok := r.store.Get(key)
	require.True(t, ok)
	o.Body[len(o.Body)-1] ^= 1 // of the checksum: each frame of it is there
	r.store.Put(key, o)
	_, err := v03.Convert(t.Context(), empty(), r.client(), v03.ConvertConfig{})
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	dst := empty()
	_, err = v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{SkipDamaged: true})
	require.NoError(t, err)
	same(t, r.db, restoredLTX(t, dst, restore.Target{}))
}

// The earliest snapshot from which the WAL goes on to its end is converted from; if there is
// none, that from which it goes furthest.
func TestConvertChoosesTheSnapshot(t *testing.T) {
	build := func() *replica {
		r := newReplica(t, 4, 512)
		for file := range 4 {
			if file > 0 {
				r.checkpoint()
			}
			r.snapshot()
			for range 2 {
				r.random()
				r.sync()
			}
		}
		return r
	}
	segment := func(index int, offset int64) string { return fmt.Sprintf("wal/%08x_%08x.wal.lz4", index, offset) }
	for what, tt := range map[string]struct {
		lose     func(r *replica, name string) bool
		snapshot int
		leftOut  int
	}{
		"nothing":               {func(_ *replica, name string) bool { return false }, 0, 0},
		"a WAL file":            {func(_ *replica, name string) bool { return len(name) > 12 && name[:12] == "wal/00000001" }, 2, 0},
		"the beginning of one":  {func(_ *replica, name string) bool { return name == segment(1, 0) }, 2, 0},
		"of the first snapshot": {func(_ *replica, name string) bool { return name == segment(0, 0) }, 1, 0},
		"two, and the snapshots between": {func(_ *replica, name string) bool {
			return name == segment(1, 0) || name == segment(3, 0) || name == "snapshots/00000003.snapshot.lz4"
		}, 2, 1},
		"two, after two snapshots of the same": {func(_ *replica, name string) bool { return name == segment(2, 0) || name == segment(3, 0) }, 0, 1},
		"all of the last snapshot": {func(_ *replica, name string) bool {
			return name == segment(1, 0) || name == segment(2, 0) || name == "snapshots/00000001.snapshot.lz4" || name == "snapshots/00000003.snapshot.lz4"
		}, 0, 1},
	} {
		r := build()
		for _, key := range r.store.Keys() {
			if tt.lose(r, key[len(r.key("")):]) {
				r.store.Delete(key)
			}
		}
		dst := empty()
		got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{SkipDamaged: true})
		require.NoError(t, err, what)
		assert.Equal(t, tt.snapshot, got.Snapshot, what)
		assert.Len(t, got.LeftOut, tt.leftOut, what)
		var want state
		for _, s := range r.state {
			if s.index == got.Index && s.offset >= 0 {
				want = s
			}
		}
		same(t, want.db, restoredLTX(t, dst, restore.Target{}))
		_, err = v03.Convert(t.Context(), empty(), r.client(), v03.ConvertConfig{})
		assert.Equal(t, tt.leftOut > 0, err != nil, what)
	}
}

// A database whose first page comes with the WAL is one.
func TestConvertEmptySnapshot(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.db, r.disk = nil, nil
	r.snapshot()
	for range 2 {
		r.transaction(2, 1, 2)
		r.sync()
	}
	dst := empty()
	got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, got.TXID)
	same(t, r.state[1].db, restoredLTX(t, dst, restore.Target{TXID: 1}))
	same(t, r.db, restoredLTX(t, dst, restore.Target{}))
}

// A state has every page: one by which the database grows may come later than its size.
func TestConvertPageThatComesLater(t *testing.T) {
	for later := range 3 {
		r := newReplica(t, 1, 512)
		r.snapshot()
		r.transaction(5, 4)
		r.sync()
		if later > 0 {
			r.transaction(5, 5)
			r.sync()
		}
		whole := r.last()
		for range later {
			r.transaction(5, 1, 2)
			r.sync()
		}
		dst := empty()
		got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
		require.NoError(t, err)
		assert.EqualValues(t, 1+later, got.TXID)
		same(t, whole.db, restoredLTX(t, dst, restore.Target{TXID: 1}))
		same(t, r.db, restoredLTX(t, dst, restore.Target{}))
	}
}

// Pages of another size are not those of the snapshot, even if their bytes are.
func TestConvertPageSizeOfTheWAL(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.db = make([]byte, 6*512)
	r.head(r.db)
	r.snapshot()
	r.pageSize = 1024
	r.restart()
	first := make([]byte, 1024)
	r.head(first)
	r.frame(1, 0, first)
	r.frame(2, 2, make([]byte, 1024))
	r.sync()
	_, err := v03.Convert(t.Context(), empty(), r.client(), v03.ConvertConfig{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "page size changes from 512 to 1024 bytes")
}

// Of damage and a gap after it, the first is told: nothing was looked at behind it.
func TestDamageBeforeAGap(t *testing.T) {
	r := newReplica(t, 4, 512)
	r.snapshot()
	for file := range 3 {
		if file > 0 {
			r.checkpoint()
		}
		r.random()
		r.sync()
	}
	r.store.Delete(r.key("wal/00000001_00000000.wal.lz4"))
	key := r.key("wal/00000000_00000000.wal.lz4")
	o, ok := r.store.Get(key)
	require.True(t, ok)
	o.Body = o.Body[:len(o.Body)/2]
	r.store.Put(key, o)
	converted, err := v03.Convert(t.Context(), empty(), r.client(), v03.ConvertConfig{SkipDamaged: true})
	require.NoError(t, err)
	_, result, err := restored(t, r, v03.RestoreConfig{SkipDamaged: true})
	require.NoError(t, err)
	for _, leftOut := range [][]*v03.DamageError{converted.LeftOut, result.LeftOut} {
		require.Len(t, leftOut, 1)
		assert.Equal(t, 0, leftOut[0].Index)
		assert.False(t, leftOut[0].Missing)
	}
}

func TestEmptyErrorSays(t *testing.T) {
	at := time.Date(2023, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, err := range map[string]*v03.EmptyError{
		"replica has no generation of Litestream v0.3":                                      {Target: v03.Target{Generation: generation, At: at}},
		"generation " + generation + " has no snapshot":                                     {Target: v03.Target{Generation: generation}, Generations: 1},
		"generation " + generation + " has no snapshot from 2023-01-02T03:04:05Z or before": {Target: v03.Target{Generation: generation, At: at}, Generations: 1},
		"no generation has a snapshot":                                                      {Generations: 2},
		"no generation has a snapshot from 2023-01-02T03:04:05Z or before":                  {Target: v03.Target{At: at}, Generations: 2},
	} {
		assert.EqualError(t, err, want)
		assert.Equal(t, err.Generations == 0, error(err).(interface{ Is(error) bool }).Is(fs.ErrNotExist), want)
		assert.False(t, err.Is(fs.ErrExist))
	}
}

// What is not named as v0.3 names files is told as something else, once each place.
func TestNames(t *testing.T) {
	r := newReplica(t, 1, 512)
	wrong := []string{
		"snapshots/0000000.snapshot.lz4", "snapshots/000000000.snapshot.lz4", "snapshots/0000000G.snapshot.lz4", "snapshots/0000000A.snapshot.lz4",
		"snapshots/00000000.snapshot", "snapshots/ffffffff.snapshot.lz4", "snapshots/00000000.wal.lz4",
		"wal/00000000.wal.lz4", "wal/00000000_.wal.lz4", "wal/00000000_0000000.wal.lz4", "wal/00000000_000000000.wal.lz4",
		"wal/00000000_ffffffffffffffff.wal.lz4", "wal/00000000_00000000", "wal/0000000_00000000.wal.lz4", "wal/00000000_0000000A.wal.lz4",
	}
	for _, name := range wrong {
		r.put(name, []byte("x"))
	}
	r.put("wal/00000001_123456789.wal.lz4", []byte("x"))
	r.put("wal/7fffffff_00000000.wal.lz4", []byte("xy"))
	r.put("snapshots/7fffffff.snapshot.lz4", []byte("xyz"))
	g, err := v03.Find(t.Context(), r.client(), generation)
	require.NoError(t, err)
	assert.Len(t, g.Others, len(wrong), "%v", g.Others)
	require.Len(t, g.Segments, 2)
	assert.Equal(t, v03.Segment{Generation: generation, Index: 1, Offset: 0x123456789, Size: 1, CreatedAt: r.now}, g.Segments[0])
	assert.Equal(t, 1<<31-1, g.Segments[1].Index)
	require.Len(t, g.Snapshots, 1)
	for i := range 200 {
		r.put(fmt.Sprintf("wal/other%d", i), nil)
	}
	g, err = v03.Find(t.Context(), r.client(), generation)
	require.NoError(t, err)
	assert.Len(t, g.Others, 100)

	r.store.Put(path+"/generations/0123456789abcde0", mock.Object{Body: []byte("a file")})
	r.store.Put(path+"/generations/lost+found/x", mock.Object{})
	names, err := v03.Generations(t.Context(), r.client())
	require.NoError(t, err)
	assert.Equal(t, []string{generation}, names)
	for _, name := range []string{"", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg"} {
		assert.False(t, v03.IsGeneration(name), name)
	}
	assert.True(t, v03.IsGeneration(generation))
}

// A WAL may change the page size only by a transaction whose first page says so.
func TestRestoreChangedPageSize(t *testing.T) {
	for pages, told := range map[int]bool{1: true, 2: true, 3: false} {
		r := newReplica(t, 3, 512)
		r.snapshot()
		r.pageSize, r.disk, r.db = 1024, nil, nil
		r.restart()
		switch pages {
		case 1: // the frame that commits
			r.transaction(1, 1)
		case 2: // one before it
			r.transaction(2, 1, 2)
		case 3:
			r.transaction(3, 2, 3)
		}
		r.sync()
		got, result, err := restored(t, r, v03.RestoreConfig{})
		if !told {
			require.ErrorContains(t, err, "WAL has a page size of 1024 bytes, but the database of 512")
			continue
		}
		require.NoError(t, err, pages)
		assert.EqualValues(t, 1024, result.PageSize)
		same(t, r.db, got)
	}
}
