package verify_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/verify"
)

// damagedReplica is a replica as chance makes it: levels, snapshots and gaps of
// up to two histories, with damage in some files.
func damagedReplica(t *testing.T, random *rand.Rand, histories [2]*ltxmodel.History) *mock.ReplicaClient {
	c := replica(t, histories[0])
	n := int(histories[0].Transactions())
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	require.NoError(t, err)
	second, damage := random.IntN(3) == 0, random.IntN(5)
	plant := func(level, first, last int) {
		h := histories[0]
		if second && random.IntN(4) == 0 {
			h = histories[1]
		}
		lo, hi := ltx.TXID(first), ltx.TXID(last)
		body := h.File(lo, hi)
		if random.IntN(8) < damage {
			switch random.IntN(5) {
			case 0:
				body = body[:random.IntN(len(body))] // of no bytes, perhaps
			case 1, 2:
				body[random.IntN(len(body))] ^= 1 << random.IntN(8)
			case 3: // another file's
				body = h.File(lo, min(hi+1, ltx.TXID(n)))
			case 4: // all is right but for pages that are not there
				if lo > 1 { // the encoder wants all of a snapshot's
					body = withoutPages(t, body, uint32(random.IntN(2)*200))
				}
			}
		}
		c.Store().Put(keys.File(level, lo, hi), mock.Object{Body: body})
	}
	for txid := 1 + random.IntN(3); txid <= n; txid++ {
		if random.IntN(8) > 0 {
			plant(0, txid, txid)
		}
	}
	for range random.IntN(6) {
		first := 1 + random.IntN(n)
		plant(1+random.IntN(8), first, first+random.IntN(n-first+1))
	}
	for range random.IntN(4) {
		plant(ltxstore.SnapshotLevel, 1, 1+random.IntN(n))
	}
	if random.IntN(6) == 0 {
		plant(10+random.IntN(20), 1, 1+random.IntN(n))
	}
	return c
}

// withoutPages returns a file with the header and the trailer of another, and no
// pages. The database has at least so many.
func withoutPages(t *testing.T, body []byte, commit uint32) []byte {
	dec := ltx.NewDecoder(bytes.NewReader(body))
	require.NoError(t, dec.Verify())
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	hdr := dec.Header()
	hdr.Commit = max(hdr.Commit, commit)
	require.NoError(t, enc.EncodeHeader(hdr))
	enc.SetPostApplyChecksum(dec.Trailer().PostApplyChecksum)
	require.NoError(t, enc.Close())
	return buf.Bytes()
}

// Of what chance has damaged verify says can be restored what a restore restores,
// and nothing else: without flags, with those that it names, or not at all.
func TestVerdictIsOutcome(t *testing.T) {
	const transactions, seeds = 9, 200
	for _, tracked := range []bool{false, true} {
		t.Run(fmt.Sprintf("tracked %v", tracked), func(t *testing.T) {
			t.Parallel()
			histories := [2]*ltxmodel.History{ltxmodel.New(1, transactions), ltxmodel.New(2, transactions)}
			histories[0].Tracked, histories[1].Tracked = tracked, tracked
			dir, seen, runs := t.TempDir(), make(map[string]int), race.OneOf(2)
			for seed := range uint64(seeds) {
				if !runs() {
					continue
				}
				c := damagedReplica(t, rand.New(rand.NewPCG(seed, 7)), histories)
				report := run(t, c, verify.Config{})
				require.True(t, report.Complete, "seed %d: %v", seed, report.Findings)
				require.False(t, report.RestoreUnknown)
				seen[verdict(t, c, filepath.Join(dir, fmt.Sprint(seed)), seed, report, histories)]++
			}
			for _, kind := range []string{"by default", "with -skip-damaged", "with -txid", "with both", "never"} {
				assert.Greater(t, seen[kind], 2, "%s: too few to mean anything: %v", kind, seen)
			}
		})
	}
}

// verdict compares a report with what restores do, and returns its kind.
func verdict(t *testing.T, c *mock.ReplicaClient, path string, seed uint64, report *verify.Report, histories [2]*ltxmodel.History) string {
	restored := func(cfg restore.Config) (*restore.Result, error) {
		result, err := restore.Run(t.Context(), c, path, cfg)
		if err != nil {
			var unreachable *restore.UnreachableError
			require.True(t, errors.As(err, &unreachable) || errors.Is(err, ltxstore.ErrChecksum), "seed %d: %v", seed, err)
			require.NoFileExists(t, path)
			return nil, err
		}
		// It is what one history had, if it was not mixed of two without checksums.
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		whole := bytes.Equal(got, histories[0].Database(result.TXID)) || bytes.Equal(got, histories[1].Database(result.TXID))
		require.True(t, whole || !histories[0].Tracked, "seed %d: %v is not the database of transaction %s", seed, cfg.Target, result.TXID)
		return result, nil
	}
	state := report.Restore
	if state == nil {
		for _, skip := range []bool{false, true} {
			_, err := restored(restore.Config{SkipDamaged: skip})
			require.Error(t, err, "seed %d: restored what verify says cannot be", seed)
		}
	} else {
		cfg := restore.Config{SkipDamaged: state.SkipDamaged}
		if state.ByTXID {
			cfg.Target.TXID = state.TXID
		}
		result, err := restored(cfg)
		require.NoError(t, err, "seed %d: verify says it can be restored: %v", seed, report.Findings)
		require.Equal(t, []any{state.TXID, state.Time, state.Files}, []any{result.TXID, result.Time, result.Files})
		if state.SkipDamaged {
			cfg.SkipDamaged = false
			_, err = restored(cfg)
			require.ErrorIs(t, err, ltxstore.ErrChecksum, "seed %d: the flag is not needed", seed)
			cfg.SkipDamaged = true
		}
		if state.ByTXID {
			cfg.Target.TXID = 0
			_, err = restored(cfg)
			require.Error(t, err, "seed %d: -txid is not needed", seed)
		}
	}
	// No newer state can be restored in any way.
	for txid := histories[0].Transactions(); state == nil && txid > 0 || state != nil && txid > state.TXID; txid-- {
		_, err := restored(restore.Config{SkipDamaged: true, Target: restore.Target{TXID: txid}})
		require.Error(t, err, "seed %d: transaction %s can be restored: %v", seed, txid, report.Findings)
	}
	needs := slices.ContainsFunc(report.Findings, func(f verify.Finding) bool { return f.Kind == verify.KindRestore })
	switch {
	case state == nil && len(c.Store().Keys()) == 0:
		require.Empty(t, report.Findings)
		return "empty"
	case state == nil:
		require.True(t, needs, "seed %d: %v", seed, report.Findings)
		return "never"
	}
	require.Equal(t, needs, state.SkipDamaged || state.ByTXID)
	switch {
	case state.SkipDamaged && state.ByTXID:
		return "with both"
	case state.SkipDamaged:
		return "with -skip-damaged"
	case state.ByTXID:
		return "with -txid"
	}
	return "by default"
}

// What the store does not give is not taken for damaged: it may be there
// tomorrow, and nothing is left out for it.
func TestUnreadableIsNotDamaged(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 8), sound...)
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{0}, MinTXID: 7, Times: -1, Err: fs.ErrPermission})
	r := run(t, c, verify.Config{})
	assert.Equal(t, []string{"error list", "error unreadable"}, kinds(r))
	assert.Contains(t, r.Findings[0].Message, "cannot determine what can be restored: ")
	assert.True(t, r.RestoreUnknown)
	assert.Nil(t, r.Restore)
	assert.False(t, r.Complete)
}

// That goes for what is needed in place of a damaged file, too.
func TestUnreadableInPlaceOfDamaged(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 8), at{9, 1, 4}, at{0, 1, 1}, at{0, 2, 2}, at{0, 3, 3}, at{0, 4, 4})
	c.Store().Put("snapshots/"+ltx.FormatFilename(1, 4), mock.Object{Body: []byte("damaged")})
	c.Script(t, mock.Fault{Op: mock.OpOpen, Levels: []int{0}, MinTXID: 4, Times: -1, Err: fs.ErrPermission})
	r := run(t, c, verify.Config{})
	assert.Contains(t, kinds(r), "error list", r.Findings)
	assert.True(t, r.RestoreUnknown)
	assert.Nil(t, r.Restore)
	assert.False(t, r.Complete)
}
