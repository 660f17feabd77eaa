package webdav

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Behind a proxy that has TLS and another name, the server takes the URL of a
// destination for another server's.
func TestBehindAProxy(t *testing.T) {
	s := start(t)
	inner, err := url.Parse(s.URL)
	require.NoError(t, err)
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(inner) }})
	defer proxy.Close()
	for _, once := range []bool{false, true} {
		c := s.client(func(cfg *Config) {
			cfg.URL, cfg.HTTP.InsecureSkipVerify, cfg.Retry.MaxAttempts, cfg.WriteOnce = proxy.URL, true, 1, once
			cfg.Path = map[bool]string{true: "a b", false: "a%20b"}[once]
		})
		require.NoError(t, write(t, c, "one"))
		if err := write(t, c, "two"); !once {
			require.NoError(t, err)
		}
		got, err := read(t, c, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, map[bool]string{true: "one", false: "two"}[once], got)
		require.NoError(t, c.DeleteAll(t.Context()))
		require.NoError(t, c.Close())
	}
}
