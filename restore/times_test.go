package restore_test

import (
	"errors"
	"math/bits"
	"math/rand/v2"
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

// headers counts the headers that were read.
func headers(c *mock.ReplicaClient) (n int) {
	for _, call := range c.Calls() {
		if call.Op == mock.OpOpen && call.Size == ltx.HeaderSize {
			n++
		}
	}
	return n
}

// A moment costs as many headers as the logarithm of the number of files, twice.
func TestMomentCosts(t *testing.T) {
	const n = 500
	h := ltxmodel.New(1, n)
	files := []at{{9, 1, 1}}
	for txid := ltx.TXID(2); txid <= n; txid++ {
		files = append(files, at{0, txid, txid})
	}
	c := replica(t, h, files...)
	for _, txid := range []ltx.TXID{2, 3, 4, 100, 257, 499, 500} {
		c.ResetCalls()
		path := filepath.Join(t.TempDir(), "db")
		result, err := restore.Run(t.Context(), c, path, restore.Config{Target: restore.Target{Before: h.Time(txid)}})
		require.NoError(t, err)
		assert.Equal(t, txid-1, result.TXID)
		assert.False(t, result.PastEnd)
		assert.Positive(t, headers(c))
		assert.LessOrEqual(t, headers(c), 2*bits.Len(uint(txid))+1, "transaction %d", txid)
	}
}

// Where clocks ran backwards a restore has what a plan has that reads every header:
// no transaction of the moment or later, and the one after it is not before it.
func TestMomentWithClocksBackwards(t *testing.T) {
	const n = 40
	backwards := 0
	for seed := range uint64(150) {
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
