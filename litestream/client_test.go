package litestream_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// wrapper has the six methods alone.
type wrapper struct{ ltxstore.ReplicaClient }

func (w wrapper) Unwrap() ltxstore.ReplicaClient { return w.ReplicaClient }

// recorder notes what it is asked beside the six methods.
type recorder struct {
	ltxstore.ReplicaClient
	inits, closes int
	logger        *slog.Logger
	err           error
}

func (r *recorder) Init(context.Context) error    { r.inits++; return r.err }
func (r *recorder) SetLogger(logger *slog.Logger) { r.logger = logger }
func (r *recorder) Close() error                  { r.closes++; return r.err }

func TestClientFindsInnerClients(t *testing.T) {
	inner := &recorder{ReplicaClient: mock.NewReplicaClient(mock.Config{})}
	c := litestream.Client(wrapper{inner})
	require.NoError(t, c.Init(t.Context()))
	c.SetLogger(silent())
	require.NoError(t, c.(io.Closer).Close())
	assert.Equal(t, 1, inner.inits)
	assert.Equal(t, 1, inner.closes)
	assert.NotNil(t, inner.logger)
	assert.Equal(t, "mock", c.Type())
	found, ok := ltxstore.As[*recorder](c)
	assert.True(t, ok)
	assert.Same(t, inner, found)

	inner.err = errors.New("broken")
	require.ErrorIs(t, c.Init(t.Context()), inner.err)
	require.ErrorIs(t, c.(io.Closer).Close(), inner.err)
}

func TestClientWithSixMethods(t *testing.T) {
	c := litestream.Client(struct{ ltxstore.ReplicaClient }{mock.NewReplicaClient(mock.Config{})})
	require.NoError(t, c.Init(t.Context()))
	c.SetLogger(silent())
	require.NoError(t, c.(io.Closer).Close())
}

func TestClientOfNil(t *testing.T) {
	c := litestream.Client(nil)
	c.SetLogger(nil)
	_, listed := c.LTXFiles(t.Context(), 0, 0, false)
	_, opened := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	_, written := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(""))
	for _, err := range []error{c.Init(t.Context()), listed, opened, written, c.DeleteLTXFiles(t.Context(), nil), c.DeleteAll(t.Context())} {
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, "want a replica client")
	}
	require.NoError(t, c.(io.Closer).Close())
}

// The adapter changes nothing of the contract.
func TestConformance(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			return replicatest.Store{Client: litestream.Client(mock.NewReplicaClient(mock.Config{PageSize: 100, Logger: silent()}))}, nil
		},
		// What reaches behind the client is held where the client is.
		Lacks: append(replicatest.ClientsOnly(), replicatest.Clients, replicatest.WriteOnce, replicatest.MissingStore,
			replicatest.Siblings, replicatest.Parents, replicatest.BoundedMemory),
		PageSize: 100, BodySize: 1 << 20,
	})
}

func TestErrorsOfFiles(t *testing.T) {
	for _, tc := range []struct {
		name, op    string
		cause       error
		hint        string // a part of it; "" is none
		recoverable bool
	}{
		{"missing", "open", &ltxstore.Error{Kind: fs.ErrNotExist, Key: "ltx/0/a.ltx"}, "ltxstore verify", true},
		{"corrupt", "open", &ltxstore.Error{Kind: ltxstore.ErrChecksum, Key: "ltx/0/a.ltx"}, "-skip-damaged", true},
		{"corrupt body", "write", &ltxstore.Error{Kind: ltxstore.ErrChecksum, Key: "ltx/0/a.ltx"}, "-skip-damaged", true},
		{"body of a missing file", "write", &ltxstore.Error{Kind: fs.ErrNotExist, Key: "ltx/0/a.ltx"}, "", false},
		{"no bucket", "open", &ltxstore.Error{Kind: ltxstore.ErrStoreNotFound, Key: "ltx/0/a.ltx"}, "create it", false},
		{"denied", "write", &ltxstore.Error{Kind: fs.ErrPermission, Key: "ltx/0/a.ltx"}, "ltxstore check", false},
		{"outage", "write", &ltxstore.Error{Kind: ltxstore.ErrUnavailable, Key: "ltx/0/a.ltx"}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := litestream.Client(failing{mock.NewReplicaClient(mock.Config{}), tc.cause})
			_, err := c.OpenLTXFile(t.Context(), 2, 3, 4, 0, 0)
			if tc.op == "write" {
				_, err = c.WriteLTXFile(t.Context(), 2, 3, 4, strings.NewReader(""))
			}
			require.ErrorIs(t, err, tc.cause)
			found := new(engine.LTXError)
			require.ErrorAs(t, err, &found)
			assert.Equal(t, tc.op, found.Op)
			assert.Equal(t, "ltx/0/a.ltx", found.Path)
			assert.Equal(t, [3]uint64{2, 3, 4}, [3]uint64{uint64(found.Level), found.MinTXID, found.MaxTXID})
			assert.Equal(t, tc.recoverable, found.IsAutoRecoverable())
			if tc.hint == "" {
				assert.Empty(t, found.Hint)
			} else {
				assert.Contains(t, found.Hint, tc.hint)
			}
			assert.Equal(t, ltxstore.KindOf(tc.cause), ltxstore.KindOf(err))
			assert.Equal(t, ltxstore.IsRetryable(tc.cause), ltxstore.IsRetryable(err))
		})
	}
}

// failing fails to open and to write with err.
type failing struct {
	ltxstore.ReplicaClient
	err error
}

func (f failing) OpenLTXFile(context.Context, int, ltx.TXID, ltx.TXID, int64, int64) (io.ReadCloser, error) {
	return nil, f.err
}

func (f failing) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	return nil, f.err
}
