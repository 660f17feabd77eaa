package wrap_test

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/settings"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap"
	"github.com/ltxstore/ltxstore/wrap/cache"
	"github.com/ltxstore/ltxstore/wrap/checksum"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/metrics"
	"github.com/ltxstore/ltxstore/wrap/mirror"
	"github.com/ltxstore/ltxstore/wrap/readonly"
	"github.com/ltxstore/ltxstore/wrap/retry"
	"github.com/ltxstore/ltxstore/wrap/throttle"
	"github.com/ltxstore/ltxstore/wrap/trace"
)

// every returns each wrapper of this library by its name, with a Config that works.
func every(t *testing.T) map[string]wrap.Wrapper {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	all := map[string]wrap.Wrapper{
		"cache":    wrap.With(cache.New, cache.Config{Dir: t.TempDir()}),
		"compress": wrap.With(compress.New, compress.Config{}),
		"crypt": wrap.With(crypt.New, crypt.Config{Recipients: []string{identity.Recipient().String()},
			Identities: []crypt.Identity{crypt.Identity(identity.String())}}),
		"metrics": wrap.With(metrics.New, metrics.Config{Registerer: prometheus.NewRegistry()}),
		"mirror": func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return mirror.New(next, mirror.Config{Others: []ltxstore.ReplicaClient{silent(mock.NewReplicaClient(mock.Config{}))}})
		},
		"readonly": wrap.With(readonly.New, readonly.Config{}),
		"retry":    wrap.With(retry.New, retry.Config{}),
		"throttle": wrap.With(throttle.New, throttle.Config{}),
		"trace":    wrap.With(trace.New, trace.Config{}),
		"checksum": wrap.With(checksum.New, checksum.Config{OtherBodies: true}),
	}
	require.Equal(t, settings.Wrappers().Names(), slices.Sorted(maps.Keys(all)))
	return all
}

func silent(client *mock.ReplicaClient) *mock.ReplicaClient {
	client.SetLogger(nil)
	return client
}

// A wrapper around no client is refused by Init and by every method, and panics in
// none.
func TestNilClient(t *testing.T) {
	for name, wrapper := range every(t) {
		t.Run(name, func(t *testing.T) {
			c := wrapper(nil)
			requireRefused(t, c)
			require.ErrorIs(t, c.(ltxstore.Initializer).Init(t.Context()), fs.ErrInvalid)
			assert.Equal(t, "none", c.Type())
			c.(ltxstore.LoggerSetter).SetLogger(slog.New(slog.DiscardHandler))
			c.(ltxstore.LoggerSetter).SetLogger(nil)
			require.NoError(t, ltxstore.Close(c))
			require.NotNil(t, c.(backend.Unwrapper).Unwrap())
			_, found := ltxstore.As[*mock.ReplicaClient](c)
			assert.False(t, found)
			for _, another := range every(t) {
				require.ErrorIs(t, ltxstore.Init(t.Context(), another(c)), fs.ErrInvalid)
			}
		})
	}
	m := mirror.New(nil, mirror.Config{Others: []ltxstore.ReplicaClient{nil}})
	requireRefused(t, m)
	_, err := m.LTXLevels(t.Context())
	require.ErrorIs(t, err, fs.ErrInvalid)
	m.SetLogger(nil)
	require.NoError(t, m.Close())
}

func requireRefused(t *testing.T, c ltxstore.ReplicaClient) {
	t.Helper()
	ctx := context.Background()
	_, err := c.LTXFiles(ctx, 0, 0, false)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = c.LTXFiles(ctx, 0, 0, true)
	require.ErrorIs(t, err, fs.ErrInvalid)
	for _, size := range []int64{0, 1} {
		_, err = c.OpenLTXFile(ctx, 0, 1, 1, 0, size)
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
	_, err = c.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("body"))
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorIs(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}), fs.ErrInvalid)
	require.ErrorIs(t, c.DeleteAll(ctx), fs.ErrInvalid)
}

// Arguments that are nil are refused as well, around a client that works.
func TestNilArguments(t *testing.T) {
	for name, wrapper := range every(t) {
		if name == "readonly" {
			continue
		}
		store := silent(mock.NewReplicaClient(mock.Config{}))
		c := wrapper(store)
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, nil)
		assert.ErrorIs(t, err, fs.ErrInvalid, name)
		assert.ErrorIs(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{nil}), fs.ErrInvalid, name)
		assert.NoError(t, c.DeleteLTXFiles(t.Context(), nil), name)
		assert.Empty(t, store.Store().Keys())
	}
}
