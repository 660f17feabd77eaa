package transport_test

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// Equal options share a transport until the last user has released it; then its idle
// connections are closed.
func TestShared(t *testing.T) {
	closed := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	opts := transport.Options{MaxIdleConns: 3, IdleConnTimeout: 59 * time.Second}
	first, release, err := transport.Shared(opts)
	require.NoError(t, err)
	second, releaseToo, err := transport.Shared(opts)
	require.NoError(t, err)
	require.Same(t, first, second)
	other, releaseOther, err := transport.Shared(transport.Options{MaxIdleConns: 4})
	require.NoError(t, err)
	defer releaseOther()
	require.NotSame(t, first, other)

	resp, err := (&http.Client{Transport: first}).Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	release()
	release() // counts once
	third, releaseThird, err := transport.Shared(opts)
	require.NoError(t, err)
	require.Same(t, second, third)
	releaseThird()
	select {
	case <-closed:
		t.Fatal("closed while there is a user")
	default:
	}
	releaseToo()
	<-closed
	fresh, releaseFresh, err := transport.Shared(opts)
	require.NoError(t, err)
	defer releaseFresh()
	assert.NotSame(t, first, fresh)
}

// A bundle that was changed is read anew, and one that is no bundle is an error.
func TestSharedBundle(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	_, _, err := transport.Shared(transport.Options{CABundle: bundle})
	require.ErrorContains(t, err, bundle)

	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(bundle, cert, 0o600))
	first, release, err := transport.Shared(transport.Options{CABundle: bundle})
	require.NoError(t, err)
	defer release()
	require.NoError(t, os.WriteFile(bundle, append(cert, '\n'), 0o600))
	second, releaseToo, err := transport.Shared(transport.Options{CABundle: bundle})
	require.NoError(t, err)
	defer releaseToo()
	assert.NotSame(t, first, second)
}
