package v03_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/v03"
	"github.com/ltxstore/ltxstore/verify"
)

func empty() *mock.ReplicaClient {
	c := mock.NewReplicaClient(mock.Config{Store: mock.NewStore()})
	c.SetLogger(nil)
	return c
}

func restoredLTX(t *testing.T, client ltxstore.ReplicaClient, target restore.Target) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "db")
	_, err := restore.Run(t.Context(), client, file, restore.Config{Target: target})
	require.NoError(t, err)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return b
}

// Every state of the replica is one of the LTX files, and they verify.
func TestConvert(t *testing.T) {
	for seed := range uint64(6) {
		r := newReplica(t, seed, 512<<(seed%4))
		r.dense = seed%3 > 0
		r.history(4)
		dst := empty()
		dir := t.TempDir()
		got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{TempDir: dir})
		require.NoError(t, err, "seed %d", seed)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
		var segments []state
		for _, s := range r.state {
			if s.offset >= 0 {
				segments = append(segments, s)
			}
		}
		states := append([]state{r.state[0]}, segments...)
		if r.dense {
			require.EqualValues(t, len(states), got.TXID)
		}
		states = states[len(states)-int(got.TXID):] // transaction 1 may be of several segments
		assert.Equal(t, len(states)+1, got.Written)
		for i, s := range states {
			same(t, s.db, restoredLTX(t, dst, restore.Target{TXID: ltx.TXID(i + 1)}))
			same(t, s.db, restoredLTX(t, dst, restore.Target{Before: s.at.Add(1)}))
		}
		same(t, r.db, restoredLTX(t, dst, restore.Target{}))
		report, err := verify.Run(t.Context(), dst, verify.Config{})
		require.NoError(t, err)
		assert.True(t, report.OK(), "%v", report.Findings)

		again, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
		require.NoError(t, err)
		assert.Zero(t, again.Written, "nothing is written twice")
		assert.Equal(t, got.Written, again.Skipped)
		r.random()
		r.sync()
		more, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
		require.NoError(t, err)
		assert.Equal(t, 2, more.Written, "a segment, and the newest state")
		same(t, r.db, restoredLTX(t, dst, restore.Target{}))
	}
}

// A snapshot that has pages of its WAL already becomes a state that the database had.
func TestConvertSnapshotWithPagesOfItsWAL(t *testing.T) {
	r := newReplica(t, 1, 512)
	r.transaction(3, 1)
	a := bytes.Clone(r.db)
	r.transaction(3, 2)
	r.sync()
	r.transaction(3, 3)
	r.sync()
	c := bytes.Clone(r.db)
	r.transaction(3, 1, 2)
	r.sync()
	mixed := bytes.Clone(a)
	copy(mixed[2*512:], c[2*512:]) // page 3 of the second segment
	r.put("snapshots/00000000.snapshot.lz4", pack(t, mixed))
	dst := empty()
	got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, got.TXID)
	same(t, c, restoredLTX(t, dst, restore.Target{TXID: 1}))
	same(t, r.db, restoredLTX(t, dst, restore.Target{TXID: 2}))
}

func TestConvertRefusesAnotherHistory(t *testing.T) {
	r, other := newReplica(t, 1, 512), newReplica(t, 2, 512)
	r.history(1)
	other.history(1)
	dst := empty()
	_, err := v03.Convert(t.Context(), dst, other.client(), v03.ConvertConfig{})
	require.NoError(t, err)
	before := restoredLTX(t, dst, restore.Target{})
	_, err = v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{})
	assert.ErrorIs(t, err, fs.ErrExist)
	same(t, before, restoredLTX(t, dst, restore.Target{}))
	require.NoError(t, dst.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{Level: 0, MinTXID: 1, MaxTXID: 1}}))
	_, err = v03.Convert(t.Context(), dst, other.client(), v03.ConvertConfig{})
	assert.ErrorIs(t, err, fs.ErrExist)
}

func TestConvertDamage(t *testing.T) {
	r := newReplica(t, 9, 512)
	r.snapshot()
	for range 3 {
		r.random()
		r.sync()
	}
	lost := r.state[2]
	r.store.Delete(r.key("wal/00000000_" + hex8(lost.offset) + ".wal.lz4"))
	_, err := v03.Convert(t.Context(), empty(), r.client(), v03.ConvertConfig{})
	damage := new(v03.DamageError)
	require.ErrorAs(t, err, &damage)
	assert.Equal(t, lost.offset, damage.Offset)
	dst := empty()
	got, err := v03.Convert(t.Context(), dst, r.client(), v03.ConvertConfig{SkipDamaged: true})
	require.NoError(t, err)
	assert.Len(t, got.LeftOut, 1)
	same(t, r.state[1].db, restoredLTX(t, dst, restore.Target{}))
}

// VACUUM may change the page size, and a new generation begins. Each is a history of its
// own: the newest is converted, the other one on request, to another place.
func TestConvertPageSizeOfGenerations(t *testing.T) {
	old, grown := newReplica(t, 1, 512), newReplica(t, 2, 4096)
	old.history(2)
	grown.store, grown.generation, grown.now = old.store, "fedcba9876543210", old.now.Add(time.Hour)
	grown.history(2)
	dst := empty()
	got, err := v03.Convert(t.Context(), dst, grown.client(), v03.ConvertConfig{})
	require.NoError(t, err)
	assert.EqualValues(t, 4096, got.PageSize)
	assert.Equal(t, []string{generation}, got.Others)
	same(t, grown.db, restoredLTX(t, dst, restore.Target{}))
	_, err = v03.Convert(t.Context(), dst, grown.client(), v03.ConvertConfig{Generation: generation})
	require.ErrorIs(t, err, fs.ErrExist)
	same(t, grown.db, restoredLTX(t, dst, restore.Target{}))

	dst = empty()
	got, err = v03.Convert(t.Context(), dst, grown.client(), v03.ConvertConfig{Generation: generation})
	require.NoError(t, err)
	assert.EqualValues(t, 512, got.PageSize)
	same(t, old.db, restoredLTX(t, dst, restore.Target{}))
}

// A generation of two page sizes, which v0.3 does not write: LTX files have one, so this
// is damage, and never a file with pages of both. Restore goes from the newest snapshot.
func TestConvertPageSizeOfSnapshots(t *testing.T) {
	r := newReplica(t, 3, 512)
	r.snapshot()
	r.random()
	r.sync()
	later := newReplica(t, 5, 1024)
	later.store, later.index, later.now = r.store, 1, r.now.Add(time.Hour)
	later.restart()
	later.snapshot()
	later.random()
	later.sync()
	got, _, err := restored(t, later, v03.RestoreConfig{})
	require.NoError(t, err)
	same(t, later.db, got)

	damage := new(v03.DamageError)
	_, err = v03.Convert(t.Context(), empty(), later.client(), v03.ConvertConfig{})
	require.ErrorAs(t, err, &damage)
	require.ErrorContains(t, err, "WAL has a page size of 1024 bytes, but the database of 512")
	dst := empty()
	result, err := v03.Convert(t.Context(), dst, later.client(), v03.ConvertConfig{SkipDamaged: true})
	require.NoError(t, err)
	assert.Len(t, result.LeftOut, 1)
	same(t, r.db, restoredLTX(t, dst, restore.Target{}))
}
