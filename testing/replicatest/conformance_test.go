package replicatest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// TestCorrect is the other half of TestMutants: a client that keeps the
// contract fails nothing, and nothing is left out but what memory cannot do.
func TestCorrect(t *testing.T) {
	report, err := replicatest.Check(t.Context(), newConfig(correct))
	require.NoError(t, err)
	require.NoError(t, report.Err())
	assert.Len(t, report, len(replicatest.Cases()))
	for _, res := range report.Skipped() {
		assert.Equal(t, "write/large-memory", res.Case.ID)
	}
}

// A client that keeps the contract in another way than package mock fails nothing either.
func TestCorrectOtherwise(t *testing.T) {
	var files replicatest.Library
	for name, tt := range map[string]struct {
		damage func(*client)
		change func(*replicatest.Config)
	}{
		"lists the header's times always": {damage: onList(func(_ *client, list listFunc) listFunc {
			return func(ctx context.Context, level int, seek ltx.TXID, _ bool) (ltx.FileIterator, error) {
				return list(ctx, level, seek, true)
			}
		})},
		"keeps whole seconds": {change: func(cfg *replicatest.Config) { cfg.Lacks = append(cfg.Lacks, replicatest.PreciseTimes) },
			damage: onPlainItem(true, wholeSeconds)},
		"reads a source at any place": {damage: onAnyWrite(func(c *client, write writeFunc) writeFunc {
			return readsAtAnyPlace(c, write, func(value any) error { panic(value) })
		})},
		"keeps connections": {damage: onList(keepsConnections(t))},
		"cannot be broken": {change: func(cfg *replicatest.Config) {
			cfg.Lacks = append(cfg.Lacks, replicatest.FailingLookups, replicatest.FailingLists, replicatest.BrokenTransfers,
				replicatest.StalledTransfers, replicatest.FailingDeletes, replicatest.Outages)
			full := cfg.New
			cfg.New = func(ctx context.Context) (replicatest.Store, error) {
				s, err := full(ctx)
				s.Faults = nil
				return s, err
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := replicatest.Share(newConfig(mutant{damage: tt.damage}.client), &files)
			if tt.change != nil {
				tt.change(&cfg)
			}
			runs := race.OneOf(4)
			cfg.Select = func(replicatest.Case) bool { return runs() }
			report, err := replicatest.Check(t.Context(), cfg)
			require.NoError(t, err)
			require.NoError(t, report.Err())
		})
	}
}

// keepsConnections makes a connection of net/http with each listing, and keeps it for
// a request that might follow.
func keepsConnections(t *testing.T) func(*client, listFunc) listFunc {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return func(_ *client, list listFunc) listFunc {
		return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			if ctx.Err() == nil {
				transport.CloseIdleConnections() // those of other calls
				r, err := (&http.Client{Transport: transport}).Get(server.URL)
				if err != nil {
					return nil, err
				}
				if err := r.Body.Close(); err != nil {
					return nil, err
				}
			}
			return list(ctx, level, seek, useMetadata)
		}
	}
}

// What a case needs of the machine and does not get fails it.
func TestNoTemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	cfg := newConfig(correct)
	cfg.Select = only("write/readers", "write/size-shrinks", "write/size-grows-over-older")
	results := check(t, cfg)
	require.Len(t, results, 3)
	for id, res := range results {
		assert.ErrorIs(t, res.Err, fs.ErrNotExist, id)
	}
}

// A reader beside writers of one name that gets other bytes is noticed, though what is
// there in the end is right.
func TestReadDuringWrites(t *testing.T) {
	var writers atomic.Int64
	var first, read atomic.Bool
	damage := func(c *client) {
		onWrite(func(_ *client, write writeFunc) writeFunc {
			return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
				if !first.Swap(true) {
					return write(ctx, level, minTXID, maxTXID, r)
				}
				writers.Add(1)
				defer writers.Add(-1)
				for !read.Load() && ctx.Err() == nil {
					runtime.Gosched() // until the reader has come
				}
				return write(ctx, level, minTXID, maxTXID, r)
			}
		})(c)
		onOpen(func(_ *client, open openFunc) openFunc {
			return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
				rc, err := open(ctx, level, minTXID, maxTXID, offset, size)
				if err != nil || writers.Load() == 0 {
					return rc, err
				}
				body, err := io.ReadAll(rc)
				if err = errors.Join(err, rc.Close()); err != nil {
					return nil, err
				}
				body[len(body)/2]++
				read.Store(true)
				return io.NopCloser(bytes.NewReader(body)), nil
			}
		})(c)
	}
	cfg := newConfig(mutant{damage: damage}.client)
	cfg.Select = only("rewrite/many-writers")
	assert.ErrorContains(t, check(t, cfg)["rewrite/many-writers"].Err, "concurrent reader")
}
