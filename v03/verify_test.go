package v03_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/v03"
)

func TestVerify(t *testing.T) {
	r := newReplica(t, 3, 512)
	r.history(4)
	report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	assert.True(t, report.OK())
	assert.Equal(t, len(r.store.Keys()), report.Files)
	assert.Empty(t, report.Surplus)
	r.put("wal/00000000_00000000.wal.lz4.tmp", []byte("x"))
	report, err = v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	assert.True(t, report.OK())
	assert.Equal(t, []string{"generations/0123456789abcdef/wal/00000000_00000000.wal.lz4.tmp"}, report.Surplus)
}

// Each damaged file is told, and none else; a WAL file that is missing, too.
func TestVerifyDamage(t *testing.T) {
	for i := range 7 {
		r := newReplica(t, uint64(i), 512)
		r.snapshot()
		for file := range 3 {
			if file > 0 {
				r.checkpoint()
			}
			for range 2 {
				r.random()
				r.sync()
			}
		}
		hit := r.state[i]
		name := fmt.Sprintf("wal/%08x_%08x.wal.lz4", hit.index, hit.offset)
		if hit.offset < 0 {
			name = "snapshots/00000000.snapshot.lz4"
		}
		o, ok := r.store.Get(r.key(name))
		require.True(t, ok)
		o.Body[len(o.Body)/2] ^= 1
		r.store.Put(r.key(name), o)
		report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
		require.NoError(t, err)
		require.Len(t, report.Damaged, 1)
		assert.Equal(t, "generations/0123456789abcdef/"+name, report.Damaged[0].Name())
		assert.False(t, report.OK())
	}
}

// What a snapshot must be is what restoring it wants.
func TestVerifySnapshot(t *testing.T) {
	r := newReplica(t, 5, 512)
	r.history(1)
	for what, body := range map[string][]byte{"no LZ4": []byte("x"), "no database": pack(t, []byte("hello")), "nearly a database": pack(t, append(bytes.Repeat([]byte("x"), 16), r.db[16:]...)),
		"no whole page": pack(t, r.db[:len(r.db)-1]), "empty": nil, "without pages": pack(t, nil)} {
		r.put("snapshots/00000000.snapshot.lz4", body)
		report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
		require.NoError(t, err, what)
		if what == "without pages" {
			assert.True(t, report.OK())
			continue
		}
		require.Len(t, report.Damaged, 1, what)
		assert.Equal(t, "generations/"+generation+"/snapshots/00000000.snapshot.lz4", report.Damaged[0].Name())
	}
	r.store.Delete(r.key("snapshots/00000000.snapshot.lz4"))
	report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	require.Len(t, report.Damaged, 1, "the WAL is sound")
	assert.True(t, report.Damaged[0].Missing)
	assert.ErrorContains(t, report.Damaged[0], "generation has no snapshot: it cannot be restored")
	assert.Equal(t, len(r.store.Keys()), report.Files)
}

func TestVerifyUncommitted(t *testing.T) {
	r := newReplica(t, 4, 512)
	r.snapshot()
	r.transaction(3, 1, 2)
	r.frame(1, 0, make([]byte, 512))
	r.frame(2, 0, make([]byte, 512))
	r.sync()
	report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, report.Uncommitted)
}

func TestVerifyMissingWAL(t *testing.T) {
	r := newReplica(t, 8, 512)
	r.snapshot()
	for file := range 3 {
		if file > 0 {
			r.checkpoint()
		}
		r.random()
		r.sync()
	}
	r.store.Delete(r.key("wal/00000001_00000000.wal.lz4"))
	report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	require.Len(t, report.Damaged, 1)
	assert.True(t, report.Damaged[0].Missing)
	assert.Equal(t, 1, report.Damaged[0].Index)

	r.random()
	r.sync()
	r.store.Delete(r.key("wal/00000002_00000000.wal.lz4"))
	report, err = v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	require.Len(t, report.Damaged, 2)
	assert.True(t, report.Damaged[1].Missing, "the beginning of the last one")
	assert.Equal(t, 2, report.Damaged[1].Index)

	client := r.client()
	require.NoError(t, client.Inject(mock.Fault{Op: mock.OpOpen, Nth: 2, Err: assert.AnError}))
	_, err = v03.Verify(t.Context(), client, v03.VerifyConfig{Concurrency: 1})
	assert.ErrorIs(t, err, assert.AnError)
}

// Of one generation, damage of another is no matter.
func TestVerifyGeneration(t *testing.T) {
	r, other := newReplica(t, 1, 512), newReplica(t, 2, 512)
	r.history(1)
	other.store, other.generation = r.store, "fedcba9876543210"
	other.put("snapshots/00000000.snapshot.lz4", []byte("damaged"))
	report, err := v03.Verify(t.Context(), r.client(), v03.VerifyConfig{})
	require.NoError(t, err)
	assert.False(t, report.OK())
	report, err = v03.Verify(t.Context(), r.client(), v03.VerifyConfig{Generation: generation})
	require.NoError(t, err)
	assert.True(t, report.OK())
	assert.Positive(t, report.Files)
	for _, name := range []string{"0000000000000000", "x"} {
		_, err = v03.Verify(t.Context(), r.client(), v03.VerifyConfig{Generation: name})
		assert.ErrorIs(t, err, fs.ErrInvalid)
		_, err = v03.Find(t.Context(), r.client(), name)
		assert.ErrorIs(t, err, fs.ErrInvalid)
	}
	_, err = v03.Find(t.Context(), empty(), generation)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = v03.Find(t.Context(), r.client(), "")
	assert.ErrorIs(t, err, fs.ErrInvalid)
}
