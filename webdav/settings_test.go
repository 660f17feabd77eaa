package webdav

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// A bad URL of the server is an error without a request.
func TestBadServer(t *testing.T) {
	for _, bad := range []string{"ftp://h/x", "https://%zz", "h"} {
		src := ltxstore.Source{Type: "webdav", Settings: map[string]string{"webdav-url": bad}}
		err := src.Check()
		require.ErrorIs(t, err, fs.ErrInvalid, bad)
		assert.ErrorContains(t, err, "want http://HOST/PATH or https://HOST/PATH")
	}
}

// Clients with the same options share a transport: ten thousand databases on a server
// have no connections of their own. What the options contradict names the field.
func TestHTTPOptions(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	connected := func(change func(*Config)) http.RoundTripper {
		cfg := Config{URL: s.URL, Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		store, err := connect(t.Context(), cfg, new(oplog.Logger))
		require.NoError(t, err)
		t.Cleanup(store.Close)
		return store.Tree.(*server).http.Transport
	}
	first := connected(func(*Config) {})
	assert.Same(t, first, connected(func(cfg *Config) { cfg.Path = "other" }))
	assert.NotSame(t, first, connected(func(cfg *Config) { cfg.IdleTimeout = time.Hour }))
	assert.NotSame(t, first, connected(func(cfg *Config) { cfg.HTTP.MaxConns = 3 }))

	for want, bad := range map[string]transport.Options{
		"HTTP.InsecureSkipVerify": {InsecureSkipVerify: true, CABundle: "bundle.pem"},
		"HTTP.CABundle":           {CABundle: filepath.Join(t.TempDir(), "missing.pem")},
		"HTTP.IdleTimeout":        {IdleTimeout: time.Second},
	} {
		err := NewReplicaClient(Config{URL: s.URL, HTTP: bad}).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
}
