package gcs

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

func infos(n int) (files []*ltx.FileInfo) {
	for i := 1; i <= n; i++ {
		files = append(files, &ltx.FileInfo{MinTXID: ltx.TXID(i), MaxTXID: ltx.TXID(i)})
	}
	return files
}

// Each file costs one request; one that fails in a way that may pass costs
// another, and what is gone by then is deleted.
func TestDeleteRequests(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	for i := 1; i <= 20; i++ {
		b.server.Put("bucket", keyOf(i), []byte("x"))
	}
	b.fail("DeleteObject", 1, httpfault.LoseAnswer())
	b.fail("DeleteObject", 1, httpfault.Status(503, nil, ""))
	require.NoError(t, b.DeleteLTXFiles(t.Context(), infos(25)), "five are missing")
	assert.Empty(t, b.server.Keys("bucket"))
	assert.Zero(t, b.faults.Unused())
	n := b.faults.Counts()["DeleteObject"]
	assert.GreaterOrEqual(t, n, 26) // both faults may meet one request
	assert.LessOrEqual(t, n, 27)
}

func TestDeleteNamesFailures(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	for i := 1; i <= 5; i++ {
		b.server.Put("bucket", keyOf(i), []byte("x"))
	}
	b.server.FailDeletes(func(key string) string {
		if key == keyOf(2) || key == keyOf(4) {
			return "forbidden"
		}
		return ""
	})
	err := b.DeleteLTXFiles(t.Context(), infos(5))
	require.ErrorIs(t, err, fs.ErrPermission)
	var partial *ltxstore.PartialError
	require.True(t, errors.As(err, &partial))
	assert.Len(t, partial.Failed, 2)
	assert.ErrorContains(t, partial.Failed[0], keyOf(2))
	assert.ErrorContains(t, partial.Failed[1], keyOf(4))
	assert.Equal(t, []string{keyOf(2), keyOf(4)}, b.server.Keys("bucket"))
}

// A bucket that is missing is no file that is missing.
func TestDeleteInMissingBucket(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	c := b.client(t, func(cfg *Config) { cfg.Bucket = "no-such-bucket" })
	require.ErrorIs(t, c.DeleteLTXFiles(t.Context(), infos(1)), ltxstore.ErrStoreNotFound)
	require.ErrorIs(t, c.DeleteAll(t.Context()), ltxstore.ErrStoreNotFound)
}

// DeleteAll lists page by page and deletes as it goes.
func TestDeleteAllStreams(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Transfer.PageSize, cfg.Transfer.DeleteConcurrency = 10, 4 })
	for i := 1; i <= 35; i++ {
		b.server.Put("bucket", keyOf(i), []byte("x"))
	}
	for _, stranger := range []string{"db/ltx/0000/README", "db/other/1", "db2/ltx/0000/" + keyOf(1)[12:], "db/snapshots/x"} {
		b.server.Put("bucket", stranger, []byte("x"))
	}
	b.faults.Record()
	require.NoError(t, b.DeleteAll(t.Context()))
	assert.Len(t, b.server.Keys("bucket"), 4)
	var order []string
	for _, entry := range b.faults.Log() {
		if n := len(order); n == 0 || order[n-1] != entry.Operation {
			order = append(order, entry.Operation)
		}
	}
	assert.Greater(t, len(order), 4, "deletions between the pages: %v", order)
	b.counts(t, map[string]int{"ListObjects": 1 + 4 + 1, "DeleteObject": 35})
	require.NoError(t, b.DeleteAll(t.Context()), "twice")
}

func TestDeleteAllGivesUp(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	for i := 1; i <= 2100; i++ {
		b.server.Put("bucket", keyOf(i), []byte("x"))
	}
	b.server.FailDeletes(func(string) string { return "forbidden" })
	err := b.DeleteAll(t.Context())
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Less(t, b.faults.Counts()["DeleteObject"], 2100)
	assert.Less(t, len(fmt.Sprint(err)), 10_000, "a line for a log")
}
