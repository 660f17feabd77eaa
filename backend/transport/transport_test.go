package transport_test

import (
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
)

func get(t *testing.T, tr *http.Transport, url string) (*http.Response, error) {
	t.Helper()
	t.Cleanup(tr.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return tr.RoundTrip(req)
}

func bundleOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(path, block, 0o600))
	return path
}

func TestCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()

	for name, opts := range map[string]transport.Options{
		"bundle":      {CABundle: bundleOf(t, server)},
		"skip verify": {InsecureSkipVerify: true},
	} {
		t.Run(name, func(t *testing.T) {
			tr, err := transport.New(opts)
			require.NoError(t, err)
			resp, err := get(t, tr, server.URL)
			require.NoError(t, err)
			defer resp.Body.Close()
			proto, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "HTTP/1.1", string(proto), "although the server offers HTTP/2")
		})
	}

	tr, err := transport.New(transport.Options{})
	require.NoError(t, err)
	_, err = get(t, tr, server.URL)
	assert.ErrorContains(t, err, "certificate")
}

func TestBadBundle(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	_, err := transport.New(transport.Options{CABundle: missing})
	require.ErrorContains(t, err, missing)
	assert.NotErrorIs(t, err, fs.ErrNotExist)

	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("no certificate"), 0o600))
	_, err = transport.New(transport.Options{CABundle: empty})
	require.ErrorContains(t, err, empty)
}

func TestPool(t *testing.T) {
	tr, err := transport.New(transport.Options{MaxConns: 7, MaxIdleConns: 40, IdleConnTimeout: time.Minute, ResponseTimeout: time.Second})
	require.NoError(t, err)
	assert.Equal(t, 7, tr.MaxConnsPerHost)
	assert.Equal(t, 40, tr.MaxIdleConns)
	assert.Equal(t, 40, tr.MaxIdleConnsPerHost)
	assert.Equal(t, time.Minute, tr.IdleConnTimeout)
	assert.Equal(t, time.Second, tr.ResponseHeaderTimeout)
	assert.NotZero(t, tr.TLSHandshakeTimeout)
	assert.NotNil(t, tr.Proxy)
	assert.Equal(t, "{HTTP1}", tr.Protocols.String())
}

// Connections of a burst are all kept for the next one.
func TestConnectionsAreKept(t *testing.T) {
	const burst = 10
	var mu sync.Mutex
	conns := 0
	together := make(chan struct{}, burst)
	release := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		together <- struct{}{}
		<-release
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			conns++
			mu.Unlock()
		}
	}
	server.Start()
	defer server.Close()

	tr, err := transport.New(transport.Options{MaxIdleConns: burst})
	require.NoError(t, err)
	for range 2 {
		var wg sync.WaitGroup
		for range burst {
			wg.Go(func() {
				resp, err := get(t, tr, server.URL)
				if assert.NoError(t, err) {
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			})
		}
		for range burst {
			<-together
		}
		for range burst {
			release <- struct{}{}
		}
		wg.Wait()
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, burst, conns)
}

func TestResponseTimeout(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	tr, err := transport.New(transport.Options{ResponseTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	_, err = get(t, tr, server.URL)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout())
}

// A large body whole, through the writes in steps.
func TestLargeBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	tr, err := transport.New(transport.Options{IdleTimeout: time.Minute})
	require.NoError(t, err)
	defer tr.CloseIdleConnections()
	want := strings.Repeat("0123456789", 100_001)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL, strings.NewReader(want))
	require.NoError(t, err)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.True(t, want == string(got))
}

func TestEndpoint(t *testing.T) {
	u, err := transport.Endpoint("kv", "Endpoint", "")
	require.NoError(t, err)
	assert.Nil(t, u)
	u, err = transport.Endpoint("kv", "Endpoint", "https://host")
	require.NoError(t, err)
	assert.Equal(t, "https://host", u.String())
	for bad, shown := range map[string]string{"host": `"host"`, "https://user:secret@host": "redacted", "https://host?key=secret": "redacted"} {
		_, err := transport.Endpoint("kv", "Endpoint", bad)
		require.ErrorIs(t, err, fs.ErrInvalid, bad)
		assert.ErrorContains(t, err, "Endpoint")
		assert.ErrorContains(t, err, shown)
		assert.NotContains(t, err.Error(), "secret")
	}
}

// As many idle connections as requests, and never more than connections.
func TestWithDefaults(t *testing.T) {
	for _, test := range []struct{ conns, idle, want int }{{0, 0, 5}, {0, 9, 9}, {3, 0, 3}, {3, 9, 3}, {7, 0, 5}} {
		o := transport.Options{MaxConns: test.conns, MaxIdleConns: test.idle}.WithDefaults(5)
		assert.Equal(t, test.want, o.MaxIdleConns, test)
	}
}

func TestParseEndpoint(t *testing.T) {
	for _, good := range []string{"https://host", "http://127.0.0.1:9000", "https://host/storage/v1", "http://[::1]:1"} {
		u, err := transport.ParseEndpoint(good)
		require.NoError(t, err)
		assert.Equal(t, good, u.String())
	}
	for _, bad := range []string{"", "host", "host:9000", "127.0.0.1:9000", "ftp://host", "https://", "https://host?x=1", "https://host?", "https://host#x", "https://%"} {
		_, err := transport.ParseEndpoint(bad)
		assert.ErrorIs(t, err, transport.ErrEndpoint, bad)
	}
	_, err := transport.ParseEndpoint("https://user:secret@host")
	assert.ErrorIs(t, err, transport.ErrPassword)
}

func TestIsBroken(t *testing.T) {
	assert.False(t, transport.IsBroken(nil))
	assert.False(t, transport.IsBroken(io.ErrUnexpectedEOF), "known to everybody")
	assert.True(t, transport.IsBroken(io.EOF))
	assert.True(t, transport.IsBroken(errors.New("net/http: HTTP/1.x transport connection broken: read")))
	assert.True(t, transport.IsBroken(errors.New("http: server closed idle connection")))
	assert.False(t, transport.IsBroken(errors.New("broken")))

	// What net/http says of a server that closes the connection in its turn.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.Close()
		}
	}()
	tr, err := transport.New(transport.Options{})
	require.NoError(t, err)
	_, err = get(t, tr, "http://"+listener.Addr().String())
	require.Error(t, err)
	var reset *net.OpError
	assert.True(t, transport.IsBroken(err) || errors.As(err, &reset), "%v", err)
}
