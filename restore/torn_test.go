package restore_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

func tear(c *mock.ReplicaClient, key string) { c.Store().Put(key+".ltx", mock.Object{}) }

// What is left of an upload that broke off is told, and never passes for an
// empty replica.
func TestTorn(t *testing.T) {
	h, c := small(t)
	tear(c, "ltx/0000/000000000000000a-000000000000000a")
	tear(c, "ltx/0003/0000000000000004-0000000000000009")
	result, err := restore.Run(t.Context(), c, filepath.Join(t.TempDir(), "db"), restore.Config{})
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(9), result.TXID)
	assert.Equal(t, []restore.LeftOut{
		{Level: 0, MinTXID: 10, MaxTXID: 10, Reason: "it is empty after an incomplete upload"},
		{Level: 3, MinTXID: 4, MaxTXID: 9, Reason: "it is empty after an incomplete upload"},
	}, result.LeftOut)

	c = replica(t, h, at{9, 1, 3}, at{0, 5, 5})
	tear(c, "ltx/0000/0000000000000004-0000000000000004")
	_, err = restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	require.ErrorContains(t, err, "transaction 0000000000000004 is missing")
	require.ErrorContains(t, err, "level 0 0000000000000004-0000000000000004.ltx: it is empty after an incomplete upload")
	require.NotContains(t, err.Error(), "more)")
	tear(c, "ltx/0001/0000000000000004-0000000000000005")
	tear(c, "ltx/0002/0000000000000004-0000000000000006")
	_, err = restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	require.ErrorContains(t, err, "incomplete upload (and 2 more)")

	c = replica(t, h)
	tear(c, "snapshots/0000000000000001-0000000000000003")
	_, err = restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	var unreachable *restore.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	assert.False(t, unreachable.Empty)
	assert.Len(t, unreachable.LeftOut, 1)
	require.NotErrorIs(t, err, fs.ErrNotExist, "a daemon would begin a new history over it")
}

// A moment later than all transactions is restored, and said to be.
func TestPastEnd(t *testing.T) {
	h, c := small(t)
	for _, tt := range []struct {
		target restore.Target
		past   bool
	}{
		{restore.Target{}, false},
		{restore.Target{TXID: 9}, false},
		{restore.Target{Before: h.Time(9)}, false},
		{restore.Target{Before: h.Time(9).Add(time.Millisecond)}, true},
		{restore.Target{Before: h.Time(9).Add(1000 * time.Hour)}, true},
	} {
		plan, err := restore.NewPlan(t.Context(), c, tt.target, nil)
		require.NoError(t, err)
		assert.Equal(t, tt.past, plan.PastEnd, tt.target)
		result, err := restore.Run(t.Context(), c, filepath.Join(t.TempDir(), "db"), restore.Config{Target: tt.target})
		require.NoError(t, err)
		assert.Equal(t, tt.past, result.PastEnd, tt.target)
	}
}

// Levels above those that Litestream uses are part of a replica.
func TestHighLevels(t *testing.T) {
	h := ltxmodel.New(1, 9)
	c := replica(t, h, at{9, 1, 3}, at{12, 4, 6}, at{9999, 7, 8}, at{0, 9, 9})
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{9, 1, 3}, {12, 4, 6}, {9999, 7, 8}, {0, 9, 9}}, places(plan.Files))

	_, err = restore.NewPlan(t.Context(), failingLevels{c}, restore.Target{}, nil)
	require.ErrorIs(t, err, errInjected, "levels that cannot be told are not none")
}

// A listing with transaction 0, which no LTX file has, does not confuse a plan.
func TestTransactionZero(t *testing.T) {
	h := ltxmodel.New(1, 9)
	inner := replica(t, h, at{9, 1, 3}, at{0, 4, 4})
	c := &mock.ReplicaClient{OpenLTXFileFunc: inner.OpenLTXFile}
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		if level == 1 {
			return ltx.NewFileInfoSliceIterator([]*ltx.FileInfo{{Level: 1, MinTXID: 0, MaxTXID: 7, Size: 100}, {Level: 1, MinTXID: 5, MaxTXID: 6, Size: 100}}), nil
		}
		return inner.LTXFiles(ctx, level, seek, useMetadata)
	}
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{9, 1, 3}, {0, 4, 4}, {1, 5, 6}}, places(plan.Files))
}

type failingLevels struct{ *mock.ReplicaClient }

func (failingLevels) LTXLevels(context.Context) ([]int, error) { return nil, errInjected }

func TestNilClient(t *testing.T) {
	_, err := restore.NewPlan(t.Context(), nil, restore.Target{}, nil)
	require.ErrorIs(t, err, fs.ErrInvalid)
	dir := t.TempDir()
	_, err = restore.Run(t.Context(), nil, filepath.Join(dir, "db"), restore.Config{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "client is nil")
	nothingBut(t, dir)
}
