package restore_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// withSnapshots returns a client with a snapshot of each transaction, of which the store
// says that it got them at these times.
func withSnapshots(t *testing.T, h *ltxmodel.History, n int, got func(ltx.TXID) time.Time) *mock.ReplicaClient {
	t.Helper()
	var files []at
	for txid := range ltx.TXID(n) {
		files = append(files, at{9, 1, txid + 1})
	}
	c := replica(t, h, files...)
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		files, err := c.Default().LTXFiles(ctx, level, seek, useMetadata)
		if err != nil || useMetadata || got == nil {
			return files, err
		}
		infos, err := ltx.SliceFileIterator(files)
		for _, info := range infos {
			info.CreatedAt = got(info.MaxTXID).Truncate(time.Second)
		}
		return ltx.NewFileInfoSliceIterator(infos), err
	}
	return c
}

// Of many snapshots the one to begin with is found by two headers if the store got them
// when they were made, and by a listing with their times if it is not known when they were
// made.
func TestMomentCostsOfSnapshots(t *testing.T) {
	const n = 100
	h := ltxmodel.New(1, n)
	for name, tt := range map[string]struct {
		got     func(ltx.TXID) time.Time
		unknown ltx.TXID // up to here the store got none before the target time
		headers int      // at most
	}{
		"uploads":      {h.Time, 1, 2},
		"slow uploads": {func(txid ltx.TXID) time.Time { return h.Time(txid).Add(1500 * time.Millisecond) }, 2, 4},
		"a copy":       {func(ltx.TXID) time.Time { return h.Time(n + 100) }, n + 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := withSnapshots(t, h, n, tt.got)
			for _, txid := range []ltx.TXID{2, 3, 4, 17, 50, 51, 99, 100, 101} {
				told := 0
				if txid <= tt.unknown {
					told = 1
				}
				c.ResetCalls()
				target := restore.Target{Before: h.Time(txid)}
				plan, err := restore.NewPlan(t.Context(), c, target, nil)
				require.NoError(t, err)
				assert.Equal(t, []at{{9, 1, txid - 1}}, places(plan.Files))
				assert.Equal(t, h.Time(txid-1), plan.Files[0].CreatedAt)
				assert.Equal(t, txid > n, plan.PastEnd)
				assert.LessOrEqual(t, headers(c), tt.headers, "transaction %d", txid)
				assert.Equal(t, told, timeListings(c), "transaction %d", txid)

				c.ResetCalls()
				result, err := restore.DryRun(t.Context(), c, restore.Config{Target: target})
				require.NoError(t, err)
				assert.Equal(t, txid-1, result.TXID)
				assert.LessOrEqual(t, headers(c), tt.headers, "transaction %d", txid)
				assert.Equal(t, told, timeListings(c), "transaction %d", txid)
			}
			_, err := restore.NewPlan(t.Context(), c, restore.Target{Before: h.Time(1)}, nil)
			var unreachable *restore.UnreachableError
			require.ErrorAs(t, err, &unreachable)
			assert.Equal(t, ltx.TXID(1), unreachable.First)
			assert.Equal(t, h.Time(1), unreachable.FirstTime)
		})
	}
}

// Where the clock was ahead for a while, the snapshots of that time are passed over.
func TestMomentWithClockAhead(t *testing.T) {
	const n = 40
	contradicted, runs := 0, race.OneOf(4)
	for seed := range uint64(100) {
		if !runs() {
			continue
		}
		random := rand.New(rand.NewPCG(seed, 4))
		h := ltxmodel.New(seed, n)
		got := make(map[ltx.TXID]time.Time)
		for txid := ltx.TXID(1); txid <= n; txid++ {
			got[txid] = h.Time(txid)
		}
		for range 1 + random.IntN(6) {
			txid := ltx.TXID(1 + random.IntN(n))
			h.SetTime(txid, h.Time(txid).Add(time.Duration(random.IntN(2*n))*time.Second))
		}
		c := withSnapshots(t, h, n, func(txid ltx.TXID) time.Time { return got[txid] })
		for range 5 {
			before := got[ltx.TXID(1+random.IntN(n))]
			last := ltx.TXID(0)
			for txid := ltx.TXID(1); txid <= n; txid++ {
				if h.Time(txid).Before(before) {
					last = txid
				}
			}
			c.ResetCalls()
			plan, err := restore.NewPlan(t.Context(), c, restore.Target{Before: before}, nil)
			if last == 0 {
				require.Error(t, err)
				continue
			}
			require.NoError(t, err, "seed %d", seed)
			require.Equal(t, last, plan.TXID(), "seed %d", seed)
			contradicted += timeListings(c)
		}
	}
	assert.Positive(t, contradicted, "no clock was seen to be ahead: nothing was tested")
}

// timeListings returns how many listings with the times of the files a client was asked for.
func timeListings(c *mock.ReplicaClient) (n int) {
	for _, call := range c.Calls(mock.OpList) {
		if call.UseMetadata {
			n++
		}
	}
	return n
}

// Where the listing with the times fails, as for a damaged header in a store that lists no
// metadata, the headers are read.
func TestMomentWithoutTimeListing(t *testing.T) {
	const n = 10
	h := ltxmodel.New(1, n)
	c := withSnapshots(t, h, n, func(ltx.TXID) time.Time { return h.Time(n + 100) })
	c.Script(t, mock.Fault{Op: mock.OpOpen, MinTXID: 1, MaxTXID: 7, Err: ltxstore.ErrChecksum})
	list := c.LTXFilesFunc
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		if useMetadata {
			return nil, ltxstore.ErrChecksum
		}
		return list(ctx, level, seek, useMetadata)
	}
	result, err := restore.DryRun(t.Context(), c, restore.Config{Target: restore.Target{Before: h.Time(4)}})
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(3), result.TXID)
}

// A damaged snapshot that is not wanted is in nobody's way.
func TestMomentWithDamagedSnapshot(t *testing.T) {
	h := ltxmodel.New(1, 5)
	c := withSnapshots(t, h, 5, h.Time)
	c.Script(t, mock.Fault{Op: mock.OpOpen, MinTXID: 1, MaxTXID: 4, Err: ltxstore.ErrChecksum})
	result, err := restore.DryRun(t.Context(), c, restore.Config{Target: restore.Target{Before: h.Time(4)}})
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(3), result.TXID)
}
