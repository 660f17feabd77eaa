package restore_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// longHistory is a replica whose transactions are all kept, and its history.
func longHistory(t *testing.T) (*ltxmodel.History, *mock.ReplicaClient) {
	h := ltxmodel.New(1, 100)
	files := append([]at{{9, 1, 40}, {2, 1, 30}, {2, 31, 60}, {1, 1, 20}, {1, 21, 30}, {1, 31, 50}, {1, 51, 60}, {1, 61, 90}}, transactions(1, 100)...)
	return h, replica(t, h, files...)
}

func TestPlanPrefersFewFiles(t *testing.T) {
	_, c := longHistory(t)
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{TXID: 92}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{9, 1, 40}, {2, 31, 60}, {1, 61, 90}, {0, 91, 91}, {0, 92, 92}}, places(plan.Files))
	assert.Equal(t, ltx.TXID(92), plan.TXID())
	size := int64(0)
	for _, info := range plan.Files {
		size += info.Size
	}
	assert.Equal(t, size, plan.Size())

	// Of two files that go as far the one that repeats less.
	h := ltxmodel.New(1, 10)
	plan, err = restore.NewPlan(t.Context(), replica(t, h, at{9, 1, 5}, at{2, 1, 10}, at{1, 6, 10}, at{1, 1, 5}, at{1, 3, 5}), restore.Target{}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{2, 1, 10}}, places(plan.Files))
	plan, err = restore.NewPlan(t.Context(), replica(t, h, at{9, 1, 5}, at{2, 5, 10}, at{1, 6, 10}), restore.Target{}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{9, 1, 5}, {1, 6, 10}}, places(plan.Files))
}

// What a plan costs: see NewPlan.
func TestPlanCost(t *testing.T) {
	h, c := longHistory(t)
	lists := func(target restore.Target) []mock.Call {
		t.Helper()
		c.ResetCalls()
		_, err := restore.NewPlan(t.Context(), c, target, nil)
		require.NoError(t, err)
		return c.Calls(mock.OpList)
	}

	calls := lists(restore.Target{TXID: 40})
	require.Len(t, calls, 1, "a snapshot that ends with the target needs no other level")
	assert.Equal(t, ltxstore.SnapshotLevel, calls[0].Level)

	calls = lists(restore.Target{TXID: 60})
	require.Len(t, calls, 9, "level 0 is not needed")
	require.Empty(t, c.Calls(mock.OpOpen), "nor is any file's time")

	calls = lists(restore.Target{})
	require.Len(t, calls, 10)
	assert.Equal(t, 0, calls[9].Level)
	assert.Equal(t, ltx.TXID(90), calls[9].Seek, "level 0 is listed from where the others end")
	assert.Equal(t, 11, calls[9].Items)
	for _, call := range calls {
		assert.False(t, call.UseMetadata)
	}

	first := replica(t, h, at{9, 1, 1}, at{0, 2, 2})
	_, err := restore.NewPlan(t.Context(), first, restore.Target{}, nil)
	require.NoError(t, err)
	require.Len(t, first.Calls(mock.OpList), 10, "where the others end with the first transaction, its start is the whole of level 0")

	calls = lists(restore.Target{TXID: 92})
	assert.Less(t, calls[9].Items, 6, "and no further than it is needed")

	calls = lists(restore.Target{Before: h.Time(93)})
	for _, call := range calls {
		assert.False(t, call.UseMetadata)
	}
	assert.Len(t, c.Calls(mock.OpOpen), 6, "the snapshot, levels 2 and 1, transactions 91 to 93: not one for each file listed")
	for _, call := range c.Calls(mock.OpOpen) {
		assert.Equal(t, int64(ltx.HeaderSize), call.Size)
	}
}

// The iterators are closed, whatever happens.
func TestPlanClosesListings(t *testing.T) {
	h, inner := longHistory(t)
	var open atomic.Int64
	var closeErr error
	c := &mock.ReplicaClient{OpenLTXFileFunc: inner.OpenLTXFile}
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		files, err := inner.LTXFiles(ctx, level, seek, useMetadata)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		return &closing{files, func() error { open.Add(-1); return closeErr }}, nil
	}
	for _, target := range targets(h)[:50] {
		_, _ = restore.NewPlan(t.Context(), c, target, nil)
		require.Zero(t, open.Load(), target)
	}
	inner.FailOn(t, mock.OpNext, 1, 0, 0, errInjected)
	_, err := restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	require.ErrorIs(t, err, errInjected)
	require.Zero(t, open.Load())

	// The listing of level 0 from where the others end is closed for one from its start.
	inner = replica(t, h, at{9, 1, 3}, at{0, 4, 4}, at{0, 6, 6})
	for _, closeErr = range []error{nil, errInjected} {
		_, err = restore.NewPlan(t.Context(), c, restore.Target{TXID: 4}, nil)
		require.ErrorIs(t, err, closeErr)
		require.Zero(t, open.Load())
	}
}

type closing struct {
	ltx.FileIterator
	closed func() error
}

func (c *closing) Close() error { return errors.Join(c.closed(), c.FileIterator.Close()) }

var errInjected = errors.New("injected")

// An error of a listing, of a page or of a header is the plan's: what was
// listed before it is never taken for all there is.
func TestPlanFails(t *testing.T) {
	h, c := longHistory(t)
	for _, fault := range []mock.Fault{
		{Op: mock.OpList, Levels: []int{9}},
		{Op: mock.OpList, Levels: []int{2}},
		{Op: mock.OpList, Levels: []int{0}},
		{Op: mock.OpNext, Levels: []int{9}, After: 1},
		{Op: mock.OpNext, Levels: []int{1}, After: 3},
		{Op: mock.OpNext, Levels: []int{0}},
		{Op: mock.OpNext, Levels: []int{0}, After: 5},
		{Op: mock.OpOpen, Levels: []int{9}},
		{Op: mock.OpOpen, Levels: []int{2}},
		{Op: mock.OpRead, Levels: []int{0}, After: 50},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			fault.Err = errInjected
			c.Script(t, fault)
			plan, err := restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(99)}, nil)
			require.ErrorIs(t, err, errInjected)
			require.Nil(t, plan)
		})
	}
}

func TestPlanStopsWithContext(t *testing.T) {
	h, c := longHistory(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.OpenLTXFileFunc = func(_ context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		cancel()
		return c.Default().OpenLTXFile(t.Context(), level, minTXID, maxTXID, offset, size)
	}
	_, err := restore.NewPlan(ctx, c, restore.Target{Before: h.Time(99)}, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPlanRefuses(t *testing.T) {
	_, err := restore.NewPlan(t.Context(), &mock.ReplicaClient{}, restore.Target{TXID: 1, Before: time.Unix(1, 0)}, nil)
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "target has both TXID 0000000000000001 and Before 1970-01-01T00:00:01Z")
}

// While levels are listed a daemon compacts, and deletes what it has
// compacted: what left one level after it was listed in another is found by
// looking again.
func TestPlanWhileFilesMove(t *testing.T) {
	h := ltxmodel.New(1, 10)
	inner := replica(t, h, at{9, 1, 4}, at{1, 1, 5}, at{0, 6, 6}, at{0, 7, 7}, at{0, 8, 8}, at{0, 9, 9})
	c := &mock.ReplicaClient{OpenLTXFileFunc: inner.OpenLTXFile}
	moved := false
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		if level == 0 && !moved {
			moved = true
			put(t, inner, h, at{1, 6, 8})
			require.NoError(t, inner.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 6, MaxTXID: 6}, {MinTXID: 7, MaxTXID: 7}, {MinTXID: 8, MaxTXID: 8}}))
		}
		return inner.LTXFiles(ctx, level, seek, useMetadata)
	}
	for _, target := range []restore.Target{{}, {TXID: 9}, {Before: h.Time(10)}} {
		plan, err := restore.NewPlan(t.Context(), c, target, nil)
		require.NoError(t, err)
		assert.Equal(t, []at{{1, 1, 5}, {1, 6, 8}, {0, 9, 9}}, places(plan.Files))
		require.True(t, moved)
	}
}

// A file that goes while its time is looked up is looked for elsewhere.
func TestPlanWhileFilesGo(t *testing.T) {
	h := ltxmodel.New(1, 10)
	c := replica(t, h, at{9, 1, 4}, at{0, 5, 5}, at{0, 6, 6})
	c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if minTXID == 6 {
			put(t, c, h, at{1, 5, 6})
			require.NoError(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 5, MaxTXID: 5}, {MinTXID: 6, MaxTXID: 6}}))
		}
		return c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(7)}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{9, 1, 4}, {1, 5, 6}}, places(plan.Files), "and not what ends before it")

	// One that is listed again and again and never there is no end of the moment.
	c = replica(t, h, at{9, 1, 4}, at{0, 5, 5}, at{0, 6, 6})
	c.Script(t, mock.Fault{Op: mock.OpOpen, MinTXID: 6, Times: -1, Err: fs.ErrNotExist})
	target := restore.Target{Before: h.Time(7)}
	_, err = restore.NewPlan(t.Context(), c, target, nil)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	_, err = restore.DryRun(t.Context(), c, restore.Config{Target: target})
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// A level that overlaps itself is listed from its start before it is said to
// have a gap.
func TestPlanOverlapBeforeGap(t *testing.T) {
	h := ltxmodel.New(1, 12)
	c := replica(t, h, at{1, 1, 5}, at{0, 3, 9}, at{0, 5, 5}, at{0, 10, 10})
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{}, nil)
	require.NoError(t, err)
	assert.Equal(t, []at{{1, 1, 5}, {0, 3, 9}, {0, 10, 10}}, places(plan.Files))
}

func TestPlanSkips(t *testing.T) {
	_, c := longHistory(t)
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{TXID: 60}, func(info *ltx.FileInfo) bool {
		return info.Level == 2 && info.MinTXID == 31
	})
	require.NoError(t, err)
	assert.Equal(t, []at{{9, 1, 40}, {1, 31, 50}, {1, 51, 60}}, places(plan.Files))
}

// A gap is named, with what can be restored in spite of it.
func TestUnreachable(t *testing.T) {
	h := ltxmodel.New(1, 20)
	second := func(txid ltx.TXID) string { return h.Time(txid).Format(time.RFC3339) }
	for _, tt := range []struct {
		files  []at
		target restore.Target
		says   string
	}{
		{nil, restore.Target{}, "mock: restore latest: the replica has no files"},
		{[]at{{0, 2, 2}}, restore.Target{},
			"mock: restore latest: transaction 0000000000000001 is missing, but there are files after it; nothing can be restored"},
		{[]at{{9, 1, 3}, {1, 6, 9}, {0, 8, 8}}, restore.Target{},
			"mock: restore latest: transactions 0000000000000004 to 0000000000000005 are missing, but there are files after them; " +
				"the last that can be restored is 0000000000000003 of " + second(3)},
		{[]at{{9, 1, 3}, {1, 6, 9}}, restore.Target{Before: h.Time(20)},
			"mock: restore before " + second(20) + ": transactions 0000000000000004 to 0000000000000005 are missing, but there are files after them; " +
				"the last that can be restored is 0000000000000003 of " + second(3)},
		{[]at{{9, 1, 3}, {0, 4, 4}}, restore.Target{TXID: 7},
			"mock: restore transaction 0000000000000007: there are no transactions from 0000000000000005 on; " +
				"the last that can be restored is 0000000000000004 of " + second(4)},
		{[]at{{9, 1, 3}, {1, 4, 9}, {2, 4, 9}}, restore.Target{TXID: 7},
			"mock: restore transaction 0000000000000007: transaction 0000000000000007 is only in files that extend beyond it, such as level 1 0000000000000004-0000000000000009.ltx; " +
				"the last that can be restored is 0000000000000003 of " + second(3)},
		{[]at{{9, 1, 3}, {9, 1, 9}}, restore.Target{TXID: 2},
			"mock: restore transaction 0000000000000002: transaction 0000000000000002 is only in files that extend beyond it, such as level 9 0000000000000001-0000000000000009.ltx; " +
				"the first that can be restored is 0000000000000003 of " + second(3)},
		{[]at{{9, 1, 3}, {9, 1, 9}}, restore.Target{Before: h.Time(3)},
			"mock: restore before " + second(3) + ": no file is that old; the first that can be restored is 0000000000000003 of " + second(3)},
	} {
		_, err := restore.NewPlan(t.Context(), replica(t, h, tt.files...), tt.target, nil)
		require.EqualError(t, err, tt.says)
		assert.Equal(t, tt.files == nil, errors.Is(err, fs.ErrNotExist), "only an empty replica is not there")
	}
}

// A file that is too new, and that others go beyond, does not hide a gap.
func TestUnreachableBehindNewerFile(t *testing.T) {
	h := ltxmodel.New(1, 10)
	h.SetTime(3, h.Time(20))
	c := replica(t, h, at{9, 1, 3}, at{2, 1, 5}, at{0, 8, 8})
	_, err := restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(9)}, nil)
	var unreachable *restore.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	assert.Equal(t, ltx.TXID(6), unreachable.Missing)

	// The other way round: [1-3] is wanted first, found too new, and [1-2] is
	// where the plan begins.
	c = replica(t, h, at{9, 1, 3}, at{2, 1, 2}, at{1, 3, 6}, at{0, 9, 9})
	_, err = restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(9)}, nil)
	require.ErrorAs(t, err, &unreachable)
	assert.Equal(t, ltx.TXID(7), unreachable.Missing)

	// One that ends where the plan does hides neither a gap nor the end.
	h = ltxmodel.New(1, 10)
	h.SetTime(5, h.Time(20))
	c = replica(t, h, at{9, 1, 5})
	h.SetTime(5, h.Time(4))
	put(t, c, h, at{2, 1, 5})
	plan, err := restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(9)}, nil)
	require.NoError(t, err)
	assert.True(t, plan.PastEnd)
	put(t, c, h, at{0, 8, 8})
	_, err = restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(9)}, nil)
	require.ErrorAs(t, err, &unreachable)
	assert.Equal(t, ltx.TXID(6), unreachable.Missing)
}
