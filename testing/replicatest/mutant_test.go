package replicatest_test

import (
	"context"
	"io"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func TestMain(m *testing.M) {
	// The suites write and forget: collecting less often takes half the time.
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// mutant is a client with one thing wrong, and the cases that it must fail, by
// their IDs with * for any part of one. It must pass all others, so that a
// failed case tells what is wrong.
type mutant struct {
	name   string
	damage func(*client)
	fails  []string

	// chance are further cases that it fails or not as goroutines happen to
	// be scheduled.
	chance []string

	// wrap, if not nil, is for what damage cannot do.
	wrap func(*client) ltxstore.ReplicaClient
}

func (m mutant) client(c *client) ltxstore.ReplicaClient {
	if m.damage != nil {
		m.damage(c)
	}
	if m.wrap != nil {
		return m.wrap(c)
	}
	return c
}

func mutants() []mutant {
	return slices.Concat(writeMutants(), failureMutants(), sizeMutants(), onceMutants(), openMutants(), rawMutants(), listMutants(), timeMutants(), deleteMutants(), allMutants(), levelMutants(), onlyMutants())
}

// unfailed are the cases that no mutant fails, and why none can.
var unfailed = map[string]string{
	"write/large-memory": "a store in memory lacks BoundedMemory: TestBoundedMemory has its mutant",
}

// TestMutants is the proof that the suite bites: each mutant fails just the
// cases that say what is wrong with it, and each case is failed by a mutant. The
// race detector, under which that takes a minute, sees each mutant with the
// cases it must fail and every eighth other.
func TestMutants(t *testing.T) {
	var files replicatest.Library
	bitten := make(map[string]bool)
	t.Run("each", func(t *testing.T) {
		for _, m := range mutants() {
			fails := matching(t, m.fails)
			for _, id := range fails {
				bitten[id] = true
			}
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				cfg, runs := newConfig(m.client), race.OneOf(8)
				cfg.Select = func(c replicatest.Case) bool {
					return runs() || slices.Contains(fails, c.ID)
				}
				report, err := replicatest.Check(t.Context(), replicatest.Share(cfg, &files))
				require.NoError(t, err)
				for _, res := range report {
					id, failed := res.Case.ID, res.Err != nil
					if want := slices.Contains(fails, id); failed != want && !slices.Contains(m.chance, id) {
						t.Errorf("%s fails is %t: want %t (%v)", id, failed, want, res.Err)
					}
					if m.name != "panics" && failed && strings.Contains(res.Err.Error(), "panic: runtime error") {
						t.Errorf("%s panics: %v", id, res.Err)
					}
				}
			})
		}
	})
	for _, c := range replicatest.Cases() {
		_, excused := unfailed[c.ID]
		assert.NotEqual(t, bitten[c.ID], excused, "%s: is failed by a mutant, or its absence is justified, not both", c.ID)
	}
}

func TestMutantNames(t *testing.T) {
	all := mutants()
	assert.GreaterOrEqual(t, len(all), 28)
	seen := make(map[string]bool)
	for _, m := range all {
		assert.False(t, seen[m.name], "two mutants are named %q", m.name)
		seen[m.name] = true
		assert.NotEmpty(t, m.fails, "%s must fail something", m.name)
	}
}

// The methods, as mock's function fields have them.
type (
	listFunc  = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error)
	openFunc  = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error)
	writeFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error)
)

// onWrite, onOpen and onList damage one method, given the correct one.
func onWrite(change func(c *client, write writeFunc) writeFunc) func(*client) {
	return onAnyWrite(func(c *client, write writeFunc) writeFunc {
		changed := change(c, write)
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			return changed(ctx, level, minTXID, maxTXID, heldToSize(ctx, r))
		}
	})
}

func onOpen(change func(c *client, open openFunc) openFunc) func(*client) {
	return func(c *client) { c.OpenLTXFileFunc = change(c, c.Default().OpenLTXFile) }
}

func onList(change func(c *client, list listFunc) listFunc) func(*client) {
	return func(c *client) { c.LTXFilesFunc = change(c, c.Default().LTXFiles) }
}

// onItems damages the iterators.
func onItems(change func(c *client, itr ltx.FileIterator) ltx.FileIterator) func(*client) {
	return onList(func(c *client, list listFunc) listFunc {
		return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			itr, err := list(ctx, level, seek, useMetadata)
			if err != nil {
				return nil, err
			}
			return change(c, itr), nil
		}
	})
}

// matching returns the IDs of the cases that match the patterns, where a *
// stands for anything but a slash.
func matching(t *testing.T, patterns []string) (ids []string) {
	for _, pattern := range patterns {
		before := len(ids)
		for _, c := range replicatest.Cases() {
			ok, err := path.Match(pattern, c.ID)
			require.NoError(t, err)
			if ok {
				ids = append(ids, c.ID)
			}
		}
		assert.Greater(t, len(ids), before, "no case is %q", pattern)
	}
	return ids
}
