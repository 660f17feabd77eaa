package restore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/restore"
)

// Of a replica with damaged files a restore that skips them makes, for every
// target, what the others give, to the byte; where they leave a gap it says so.
func TestSkipDamagedProperty(t *testing.T) {
	const transactions = 10
	for _, tracked := range []bool{false, true} {
		t.Run(fmt.Sprintf("tracked %v", tracked), func(t *testing.T) {
			t.Parallel()
			h := ltxmodel.New(1, transactions)
			h.Tracked = tracked
			dir := t.TempDir()
			skipped, refused := 0, 0
			for seed := range uint64(14) {
				random := rand.New(rand.NewPCG(seed, 3))
				files := unique(slices.Concat(singles(random, transactions, 0.8), compacted(random, transactions), ranges(random, transactions, 3), snapshots(random, transactions)))
				c := replica(t, h, files...)
				var sound, damaged, timed []at
				for _, f := range files {
					if random.IntN(4) > 0 {
						sound, timed = append(sound, f), append(timed, f)
						continue
					}
					damaged = append(damaged, f)
					how := random.IntN(4)
					damage(t, c, f, []func([]byte) []byte{flip, tail, cut, head}[how])
					if how < 3 {
						timed = append(timed, f)
					}
				}
				for i, target := range targets(h) {
					path := filepath.Join(dir, fmt.Sprint(seed, i))
					result, err := restore.Run(t.Context(), c, path, restore.Config{Target: target, SkipDamaged: true})
					want := referenceOfDamaged(h, files, timed, sound, target)
					if want == 0 {
						var unreachable *restore.UnreachableError
						require.True(t, errors.As(err, &unreachable), "seed %d, %v of %v without %v: %v", seed, target, files, damaged, err)
						require.NoFileExists(t, path)
						refused++
						continue
					}
					require.NoError(t, err, "seed %d, %v of %v without %v", seed, target, files, damaged)
					require.Equal(t, want, result.TXID, "seed %d, %v of %v without %v", seed, target, files, damaged)
					requireDatabase(t, h, want, path)
					for _, f := range left(result.LeftOut) {
						require.Contains(t, damaged, f)
						skipped++
					}
				}
			}
			require.Greater(t, skipped, 50, "too few files were skipped to mean anything")
			require.Greater(t, refused, 50)
		})
	}
}

// referenceOfDamaged returns what the sound files give, 0 if that is not the
// target. That there are damaged ones behind a gap tells that history goes on;
// of one whose header can be read it is known when.
func referenceOfDamaged(h *ltxmodel.History, files, timed, sound []at, target restore.Target) ltx.TXID {
	a := reference(h, sound, target)
	if target.TXID != 0 || a.last == 0 {
		return a.txid
	}
	next := func(f at) bool { return f.min <= a.last+1 && f.max > a.last }
	late := func(f at) bool { return next(f) && !target.Before.IsZero() && !h.Time(f.max).Before(target.Before) }
	gap := slices.ContainsFunc(files, func(f at) bool { return f.min > a.last+1 })
	if gap && !slices.ContainsFunc(sound, next) && !slices.ContainsFunc(timed, late) {
		return 0
	}
	return a.last
}
