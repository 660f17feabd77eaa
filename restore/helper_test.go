package restore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
)

// at is a file's place in a replica.
type at struct {
	level    int
	min, max ltx.TXID
}

func (a at) String() string { return fmt.Sprintf("L%d[%d-%d]", a.level, a.min, a.max) }

// transactions returns the files of level 0 with one transaction each, from the first to the last.
func transactions(first, last ltx.TXID) (files []at) {
	for txid := first; txid <= last; txid++ {
		files = append(files, at{0, txid, txid})
	}
	return files
}

// replica returns a client with those files of a history, in pages of two, so
// that listings go on.
func replica(t testing.TB, h *ltxmodel.History, files ...at) *mock.ReplicaClient {
	t.Helper()
	c := mock.NewReplicaClient(mock.Config{PageSize: 2})
	c.SetLogger(nil)
	put(t, c, h, files...)
	c.ResetCalls()
	return c
}

func put(t testing.TB, c *mock.ReplicaClient, h *ltxmodel.History, files ...at) {
	t.Helper()
	for _, f := range files {
		_, err := c.WriteLTXFile(t.Context(), f.level, f.min, f.max, bytes.NewReader(h.File(f.min, f.max)))
		require.NoError(t, err)
	}
}

// places returns where a plan's files are.
func places(files []*ltx.FileInfo) []at {
	found := make([]at, len(files))
	for i, info := range files {
		found[i] = at{info.Level, info.MinTXID, info.MaxTXID}
	}
	return found
}

// nothingBut requires that a directory holds those names and no other.
func nothingBut(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := []string{}
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	require.ElementsMatch(t, names, found)
}

func requireDatabase(t testing.TB, h *ltxmodel.History, txid ltx.TXID, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(h.Database(txid), got), "%s is not the database of transaction %d", filepath.Base(path), txid)
}

// count counts the files that are read from a client.
func count(c *mock.ReplicaClient) *ltxmodel.Open {
	var open ltxmodel.Open
	c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		return open.Count(c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size))
	}
	return &open
}
