package transport_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// A body is sent without a buffer of its own, over http and over TLS.
func TestBodyAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector has sync.Pool drop buffers at random")
	}
	const size, runs = 256 << 10, 100
	body := make([]byte, size)
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "TLS": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			server := start(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				assert.NoError(t, err)
				assert.EqualValues(t, size, n)
			}))
			defer server.Close()
			ours, err := transport.New(transport.Options{InsecureSkipVerify: true, IdleTimeout: time.Minute})
			require.NoError(t, err)
			defer ours.CloseIdleConnections()
			perRequest := func(tr http.RoundTripper) uint64 {
				put := func() {
					// As the SDK sends it: without WriteTo.
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL, struct{ io.Reader }{bytes.NewReader(body)})
					require.NoError(t, err)
					req.ContentLength = size
					resp, err := tr.RoundTrip(req)
					require.NoError(t, err)
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				put()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range runs {
					put()
				}
				runtime.ReadMemStats(&after)
				return (after.TotalAlloc - before.TotalAlloc) / runs
			}
			plain := perRequest(server.Client().Transport)
			assert.Less(t, perRequest(ours)+16<<10, plain, "bytes beside those of net/http's own connections")
		})
	}
}
