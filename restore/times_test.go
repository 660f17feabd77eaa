package restore_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// headers counts the headers that were read.
func headers(c *mock.ReplicaClient) (n int) {
	for _, call := range c.Calls() {
		if call.Op == mock.OpOpen && call.Size == ltx.HeaderSize {
			n++
		}
	}
	return n
}

// A moment costs as many headers as the logarithm of the number of files, twice, and no
// listing far beyond it.
func TestMomentCosts(t *testing.T) {
	const n = 500
	h := ltxmodel.New(1, n)
	files := append([]at{{9, 1, 1}}, transactions(2, n)...)
	c := replica(t, h, files...)
	for _, tt := range []struct {
		txid            ltx.TXID
		headers, listed int // at most
	}{{2, 2, 2}, {3, 2, 3}, {4, 4, 5}, {6, 3, 6}, {10, 5, 10}, {18, 7, 19}, {100, 13, 134}, {257, 15, 263}, {499, 17, 499}, {500, 17, 499}} {
		c.ResetCalls()
		path := filepath.Join(t.TempDir(), "db")
		result, err := restore.Run(t.Context(), c, path, restore.Config{Target: restore.Target{Before: h.Time(tt.txid)}})
		require.NoError(t, err)
		assert.Equal(t, tt.txid-1, result.TXID)
		assert.False(t, result.PastEnd)
		assert.Positive(t, headers(c))
		assert.LessOrEqual(t, headers(c), 1+tt.headers, "the snapshot, and for transaction %d", tt.txid)
		listed := 0
		for _, call := range c.Calls(mock.OpList) {
			if call.Level == 0 {
				listed += call.Items
			}
		}
		assert.LessOrEqual(t, listed, tt.listed, "transaction %d", tt.txid)
	}
}

// Where clocks ran backwards a restore has what a plan has that reads every header:
// no transaction of the moment or later, and the one after it is not before it.
func TestMomentWithClocksBackwards(t *testing.T) {
	const n = 40
	backwards, runs := 0, race.OneOf(5)
	for seed := range uint64(150) {
		if !runs() {
			continue
		}
		random := rand.New(rand.NewPCG(seed, 2))
		h := ltxmodel.New(seed, n)
		for range random.IntN(8) {
			txid := ltx.TXID(1 + random.IntN(n))
			h.SetTime(txid, h.Time(ltx.TXID(1+random.IntN(n))).Add(time.Duration(random.IntN(2)-1)*time.Millisecond))
		}
		var files []at
		last := ltx.TXID(1 + random.IntN(3))
		files = append(files, at{9, 1, last})
		for _, level := range []int{2, 1, 0} {
			for txid := last + 1; txid <= n && random.IntN(20) > 0; {
				end := min(txid+ltx.TXID(random.IntN(1+5*level)), n)
				files = append(files, at{level, txid, end})
				txid = end + 1
			}
		}
		c := replica(t, h, files...)
		for range 4 {
			target := restore.Target{Before: h.Time(ltx.TXID(1 + random.IntN(n))).Add(time.Duration(random.IntN(2)) * time.Millisecond)}
			plan, planErr := restore.NewPlan(t.Context(), c, target, nil)
			c.ResetCalls()
			result, err := restore.DryRun(t.Context(), c, restore.Config{Target: target})
			var want, got *restore.UnreachableError
			if errors.As(planErr, &want) {
				require.ErrorAs(t, err, &got, "seed %d", seed)
				require.Equal(t, want.Error(), got.Error(), "seed %d", seed)
				continue
			}
			require.NoError(t, planErr)
			require.NoError(t, err, "seed %d", seed)
			require.Equal(t, plan.TXID(), result.TXID, "seed %d", seed)
			require.Equal(t, plan.PastEnd, result.PastEnd, "seed %d", seed)
			require.Equal(t, len(plan.Files), result.Files, "seed %d", seed)
			if headers(c) > 20 {
				backwards++
			}
		}
	}
	assert.Positive(t, backwards, "no plan was wrong: nothing was tested")
}

// A file that was believed to be in time, and leads into a gap, does not fail a moment that
// ends before it.
func TestMomentBeforeGap(t *testing.T) {
	h := ltxmodel.New(1, 10)
	h.SetTime(7, h.Time(20))
	c := replica(t, h, at{9, 1, 3}, at{0, 4, 4}, at{0, 5, 5}, at{0, 6, 6}, at{0, 7, 7}, at{0, 8, 8}, at{0, 10, 10})
	result, err := restore.DryRun(t.Context(), c, restore.Config{Target: restore.Target{Before: h.Time(9)}})
	require.NoError(t, err)
	assert.Equal(t, ltx.TXID(6), result.TXID)
}

// A header that cannot be read does not pass for one that is in time.
func TestMomentFails(t *testing.T) {
	h := ltxmodel.New(1, 20)
	files := append([]at{{9, 1, 3}}, transactions(4, 20)...)
	for failed := ltx.TXID(4); failed < 13; failed++ {
		c := replica(t, h, files...)
		tried := false
		c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			if size == ltx.HeaderSize && minTXID == failed {
				tried = true
				return nil, errInjected
			}
			return c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
		}
		_, err := restore.DryRun(t.Context(), c, restore.Config{Target: restore.Target{Before: h.Time(13)}})
		if tried {
			require.ErrorIs(t, err, errInjected, "transaction %d", failed)
		} else {
			require.NoError(t, err)
		}
	}
}
