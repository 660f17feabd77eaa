package cache_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// torn returns the zero-byte files that a listing reports, each once.
func torn(t *testing.T, c ltxstore.ReplicaClient, seek ltx.TXID) map[ltx.TXID]bool {
	t.Helper()
	var mu sync.Mutex
	reported := make(map[ltx.TXID]bool)
	ctx := ltxstore.WithTorn(t.Context(), func(info ltx.FileInfo) {
		mu.Lock()
		defer mu.Unlock()
		reported[info.MinTXID] = true
	})
	list(t, withContext{c, ctx}, seek)
	mu.Lock()
	defer mu.Unlock()
	return reported
}

// withContext lists under another context.
type withContext struct {
	ltxstore.ReplicaClient
	ctx context.Context
}

func (c withContext) LTXFiles(_ context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return c.ReplicaClient.LTXFiles(c.ctx, level, seek, useMetadata)
}

func plant(t *testing.T, c *mock.ReplicaClient, txid ltx.TXID) {
	t.Helper()
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	require.NoError(t, err)
	c.Store().Put(keys.File(0, txid, txid), mock.Object{})
}

// A listing that is kept reports zero-byte files as the store's own does.
func TestKeptListingsReportTornFiles(t *testing.T) {
	w := newWorld(cache.Config{})
	for txid := ltx.TXID(1); txid <= 40; txid++ {
		put(t, w.other, txid, []byte("x"))
	}
	for _, txid := range []ltx.TXID{1, 20, 41} { // first, in the middle of a page, last
		remove(t, w.other, txid)
		plant(t, w.next, txid)
	}
	for _, from := range []string{"the store", "what is kept"} {
		assert.Equal(t, map[ltx.TXID]bool{1: true, 20: true, 41: true}, torn(t, w, 0), from)
	}
	assert.Equal(t, map[ltx.TXID]bool{41: true}, torn(t, w, 21))
	assert.Len(t, list(t, w, 0), 38)
	assert.Len(t, w.next.Calls(mock.OpList), 1)
}
