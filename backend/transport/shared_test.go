package transport_test

import (
	"context"
	"encoding/pem"
	"errors"
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

// A transport with a Dial is the caller's own, and its bundle is read too.
func TestSharedDial(t *testing.T) {
	opts := transport.Options{Dial: new(net.Dialer).DialContext}
	first, release, err := transport.Shared(opts)
	require.NoError(t, err)
	defer release()
	second, releaseToo, err := transport.Shared(opts)
	require.NoError(t, err)
	defer releaseToo()
	assert.NotSame(t, first, second)

	opts.CABundle = filepath.Join(t.TempDir(), "ca.pem")
	_, _, err = transport.Shared(opts)
	require.ErrorContains(t, err, opts.CABundle)
}

// A question is asked once over each shared transport, and each time over another.
func TestOnce(t *testing.T) {
	asked := 0
	broken := errors.New("broken")
	once := func(tr http.RoundTripper, question string, fails error) error {
		text, err := transport.Once(t.Context(), tr, question, func(context.Context) (string, error) {
			asked++
			return question + "!", fails
		})
		if err == nil {
			assert.Equal(t, question+"!", text)
		}
		return err
	}
	var transports []http.RoundTripper
	for i := range 3 {
		tr, release, err := transport.Shared(transport.Options{MaxIdleConns: 100 + i})
		require.NoError(t, err)
		defer release()
		transports = append(transports, tr)
	}
	for _, tr := range transports {
		require.ErrorIs(t, once(tr, "where", broken), broken)
	}
	assert.Equal(t, 3, asked, "an error is not kept")
	for range 2 {
		for _, tr := range transports {
			require.NoError(t, once(tr, "where", nil))
			require.NoError(t, once(tr, "which", nil))
		}
	}
	assert.Equal(t, 3+2*3, asked)
	for range 2 {
		require.NoError(t, once(http.DefaultTransport, "where", nil))
	}
	assert.Equal(t, 3+2*3+2, asked)
}
