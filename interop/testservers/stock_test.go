//go:build servers

package testservers

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// What docs/comparison.md says of Litestream's own clients on these servers, and
// that ours are without it.

func writeOne(t *testing.T, c ltxstore.ReplicaClient, pages int) error {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.UnixMilli(1), pages)))
	return err
}

func TestSSHDReplaces(t *testing.T) {
	s := startSSHD(t)
	stock, ours := s.stock(t, "stock"), s.open("ours", litestreams)
	defer ltxstore.Close(ours)
	for _, c := range []ltxstore.ReplicaClient{stock, ours} {
		require.NoError(t, writeOne(t, c, 1))
	}
	require.ErrorContains(t, writeOne(t, stock, 2), "cannot rename temporary ltx file")
	require.NoError(t, writeOne(t, ours, 2))
}

func TestNginxDeletesAll(t *testing.T) {
	s := startNginx(t)
	stock, ours := s.stock(t, "stock"), s.open("ours", litestreams)
	defer ltxstore.Close(ours)
	for _, c := range []ltxstore.ReplicaClient{stock, ours} {
		require.NoError(t, writeOne(t, c, 1))
	}
	require.ErrorContains(t, stock.DeleteAll(t.Context()), "409")
	require.NoError(t, ours.DeleteAll(t.Context()))
}
