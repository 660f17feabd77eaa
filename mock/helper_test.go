package mock_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

var errInjected = fmt.Errorf("injected")

// headerTime is the time of every LTX file here, long before any clock's.
var headerTime = time.Date(2020, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func ltxBody(id ltx.TXID) []byte { return replicatest.NewLTXFile(id, id, headerTime, 2) }

func newClient(cfg mock.Config) *mock.ReplicaClient {
	c := mock.NewReplicaClient(cfg)
	c.SetLogger(nil)
	return c
}

func write(t *testing.T, c ltxstore.ReplicaClient, level int, id ltx.TXID, body []byte) *ltx.FileInfo {
	t.Helper()
	info, err := c.WriteLTXFile(t.Context(), level, id, id, bytes.NewReader(body))
	require.NoError(t, err)
	return info
}

func read(ctx context.Context, c ltxstore.ReplicaClient, id ltx.TXID, offset, size int64) ([]byte, error) {
	rc, err := c.OpenLTXFile(ctx, 0, id, id, offset, size)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

// list returns the MinTXIDs of a level, and the error of the iteration.
func list(ctx context.Context, c ltxstore.ReplicaClient, level int) ([]ltx.TXID, error) {
	it, err := c.LTXFiles(ctx, level, 0, false)
	if err != nil {
		return nil, err
	}
	ids := []ltx.TXID{}
	for it.Next() {
		ids = append(ids, it.Item().MinTXID)
	}
	return ids, it.Close()
}

func listed(t *testing.T, c ltxstore.ReplicaClient) []ltx.TXID {
	t.Helper()
	ids, err := list(t.Context(), c, 0)
	require.NoError(t, err)
	return ids
}

func inject(t *testing.T, c *mock.ReplicaClient, faults ...mock.Fault) {
	t.Helper()
	require.NoError(t, c.Inject(faults...))
}

func file(id ltx.TXID) *ltx.FileInfo { return &ltx.FileInfo{MinTXID: id, MaxTXID: id} }

// fakeTB is a test that may fail.
type fakeTB struct {
	mu       sync.Mutex
	errors   []string
	fatal    string
	cleanups []func()
}

func (t *fakeTB) Helper() {}

func (t *fakeTB) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

func (t *fakeTB) Fatalf(format string, args ...any) { t.fatal = fmt.Sprintf(format, args...) }

func (t *fakeTB) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *fakeTB) end() {
	for _, f := range t.cleanups {
		f()
	}
}

func overrideOpen(rc io.ReadCloser) func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return func(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) { return rc, nil }
}

func overrideList(it ltx.FileIterator) func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
	return func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) { return it, nil }
}
