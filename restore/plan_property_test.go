package restore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/restore"
)

// answer is what a plan should be, found by trying everything.
type answer struct {
	txid           ltx.TXID // 0: there is no plan
	files          int      // the fewest
	last           ltx.TXID
	missing, until ltx.TXID
}

// reference looks at every way to put files together.
func reference(h *ltxmodel.History, files []at, target restore.Target) answer {
	wanted := func(f at) bool {
		switch {
		case target.TXID != 0:
			return f.max <= target.TXID
		case !target.Before.IsZero():
			return h.Time(f.max).Before(target.Before)
		}
		return true
	}
	fewest := map[ltx.TXID]int{0: 0}
	var last ltx.TXID
	for end := ltx.TXID(1); end <= h.Transactions(); end++ {
		for _, f := range files {
			if f.max != end || !wanted(f) {
				continue
			}
			for from, n := range fewest {
				if before, ok := fewest[end]; from >= f.min-1 && from < end && (!ok || n+1 < before) {
					fewest[end], last = n+1, end
				}
			}
		}
	}
	a := answer{last: last, files: fewest[last]}
	goesOn := slices.ContainsFunc(files, func(f at) bool { return f.min <= last+1 && f.max > last })
	if !goesOn {
		a.missing = last + 1
		for _, f := range files {
			if f.min > last+1 && (a.until == 0 || f.min < a.until) {
				a.until = f.min
			}
		}
	}
	switch {
	case target.TXID != 0 && last == target.TXID, target.TXID == 0 && last > 0 && a.until == 0:
		a.txid, a.missing, a.until = last, 0, 0
	case len(files) == 0:
		a.missing = 0
	}
	return a
}

// A plan is what trying everything finds, for every target, over all kinds of
// replicas: gaps, overlaps, missing levels, snapshots only, clocks set back.
func TestPlanProperty(t *testing.T) {
	const transactions, longTransactions = 7, "long transactions, compacted"
	kinds := map[string]func(*rand.Rand) []at{
		"transactions only": func(r *rand.Rand) []at { return singles(r, transactions, 0.85) },
		"snapshots only":    func(r *rand.Rand) []at { return snapshots(r, transactions) },
		"all levels": func(r *rand.Rand) []at {
			return slices.Concat(singles(r, transactions, 0.6), snapshots(r, transactions), ranges(r, transactions, 1+r.IntN(8)))
		},
		"no snapshots": func(r *rand.Rand) []at {
			return slices.Concat(singles(r, transactions, 0.6), ranges(r, transactions, 1+r.IntN(8)))
		},
		"missing middle levels": func(r *rand.Rand) []at {
			return slices.Concat(singles(r, transactions, 0.5), snapshots(r, transactions), ranges(r, transactions, 4)[:2])
		},
		"compacted":         func(r *rand.Rand) []at { return compacted(r, transactions) },
		"long transactions": func(r *rand.Rand) []at { return tiles(r, 0, transactions, 3) },
		longTransactions: func(r *rand.Rand) []at {
			return slices.Concat(tiles(r, 0, transactions, 3), ranges(r, transactions, 2))
		},
		"nothing":              func(*rand.Rand) []at { return nil },
		"beginning is missing": func(r *rand.Rand) []at { return ranges(r, transactions, 3) },
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := ltxmodel.New(1, transactions)
			for seed := range uint64(16) {
				random := rand.New(rand.NewPCG(seed, 1))
				if seed >= 12 { // a clock that is set back
					h.SetTime(ltx.TXID(1+random.IntN(transactions)), h.Time(ltx.TXID(1+random.IntN(transactions))).Add(time.Millisecond))
				}
				files := unique(kind(random))
				c := replica(t, h, files...)
				for _, target := range targets(h) {
					plan, err := restore.NewPlan(t.Context(), c, target, nil)
					want := reference(h, files, target)
					if name == longTransactions && err == nil && want.txid != 0 {
						want.files = len(plan.Files) // level 0 is the last to be listed
					}
					if !checkPlan(t, want, plan, err) {
						t.Fatalf("seed %d, %v of %v", seed, target, files)
					}
				}
			}
		})
	}
}

func checkPlan(t *testing.T, want answer, plan *restore.Plan, err error) bool {
	if want.txid == 0 {
		var unreachable *restore.UnreachableError
		if !assert.ErrorAs(t, err, &unreachable) {
			return false
		}
		return assert.Equal(t, [3]ltx.TXID{want.last, want.missing, want.until},
			[3]ltx.TXID{unreachable.Last, unreachable.Missing, unreachable.Until}, err) &&
			assert.Equal(t, want.last != 0, !unreachable.LastTime.IsZero()) &&
			assert.Equal(t, unreachable.Empty, errors.Is(err, fs.ErrNotExist))
	}
	if !assert.NoError(t, err) {
		return false
	}
	var reached ltx.TXID
	for _, info := range plan.Files {
		if !assert.LessOrEqual(t, info.MinTXID, reached+1) || !assert.Greater(t, info.MaxTXID, reached) {
			return false
		}
		reached = info.MaxTXID
	}
	return assert.Equal(t, want.txid, plan.TXID()) && assert.Len(t, plan.Files, want.files, "%v", places(plan.Files))
}

// What is planned is restored to what the database held, to the byte.
func TestRestoreProperty(t *testing.T) {
	const transactions = 12
	for _, tracked := range []bool{false, true} {
		t.Run(fmt.Sprintf("tracked %v", tracked), func(t *testing.T) {
			t.Parallel()
			restored := 0
			for seed := range uint64(6) {
				random := rand.New(rand.NewPCG(seed, 2))
				h := ltxmodel.New(seed, transactions)
				h.Tracked = tracked
				files := unique(slices.Concat(compacted(random, transactions), ranges(random, transactions, 2)))
				c := replica(t, h, files...)
				dir := t.TempDir()
				for i, target := range targets(h) {
					path := filepath.Join(dir, fmt.Sprint(i))
					result, err := restore.Run(t.Context(), c, path, restore.Config{Target: target, Concurrency: 1 + i%3})
					want := reference(h, files, target)
					if want.txid == 0 {
						require.Error(t, err)
						require.NoFileExists(t, path)
						continue
					}
					require.NoError(t, err, "seed %d, %v of %v", seed, target, files)
					require.Equal(t, want.txid, result.TXID)
					require.True(t, h.Time(want.txid).Equal(result.Time))
					require.Equal(t, tracked, result.Checksum != 0)
					requireDatabase(t, h, want.txid, path)
					restored++
				}
			}
			require.Greater(t, restored, 60, "too few restores to mean anything")
		})
	}
}

func targets(h *ltxmodel.History) []restore.Target {
	all := []restore.Target{{}}
	for txid := ltx.TXID(1); txid <= h.Transactions()+1; txid++ {
		all = append(all, restore.Target{TXID: txid})
		if txid <= h.Transactions() {
			all = append(all, restore.Target{Before: h.Time(txid)}, restore.Target{Before: h.Time(txid).Add(time.Millisecond)})
		}
	}
	return all
}

// singles are files of one transaction on level 0, each there with that
// probability.
func singles(r *rand.Rand, n ltx.TXID, probability float64) (files []at) {
	for txid := ltx.TXID(1); txid <= n; txid++ {
		if r.Float64() < probability {
			files = append(files, at{0, txid, txid})
		}
	}
	return files
}

func snapshots(r *rand.Rand, n int) (files []at) {
	for range 1 + r.IntN(3) {
		files = append(files, at{ltxstore.SnapshotLevel, 1, ltx.TXID(1 + r.IntN(n))})
	}
	return files
}

// ranges are any files at all on levels above 0.
func ranges(r *rand.Rand, n, count int) (files []at) {
	for range count {
		first := 1 + r.IntN(n)
		files = append(files, at{1 + r.IntN(8), ltx.TXID(first), ltx.TXID(first + r.IntN(n-first+1))})
	}
	return files
}

// tiles cover a beginning of the history without overlaps, but for a gap now
// and then.
func tiles(r *rand.Rand, level int, n ltx.TXID, width int) (files []at) {
	for first := ltx.TXID(1); first <= n; {
		last := min(first+ltx.TXID(r.IntN(width)), n)
		if r.IntN(8) > 0 {
			files = append(files, at{level, first, last})
		}
		first = last + 1
	}
	return files
}

// compacted is what a daemon leaves: each level made of the one below, lagging
// behind it, and the oldest transactions deleted.
func compacted(r *rand.Rand, n ltx.TXID) (files []at) {
	width := ltx.TXID(1)
	end := n
	for level := range 4 {
		begin := ltx.TXID(1)
		if level == 0 {
			begin = ltx.TXID(1 + r.IntN(int(n)))
		}
		for first := ltx.TXID(1); first+width-1 <= end; first += width {
			if first >= begin {
				files = append(files, at{level, first, first + width - 1})
			}
		}
		end -= end % width
		width *= 2
	}
	return append(files, at{ltxstore.SnapshotLevel, 1, ltx.TXID(1 + r.IntN(int(n)))})
}

func unique(files []at) []at {
	slices.SortFunc(files, func(a, b at) int {
		return (a.level-b.level)*10000 + int(a.min)*100 - int(b.min)*100 + int(a.max) - int(b.max)
	})
	return slices.Compact(files)
}
