package transport_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
)

// What makes no progress ends after the idle timeout, as a timeout; what is only slow
// does not, and neither does an answer that begins within the response timeout.
func TestIdleTimeout(t *testing.T) {
	const idle, response, step = time.Second, 5 * time.Second, 64 << 10
	for name, test := range map[string]struct {
		response time.Duration
		sends    int // bytes, in one write
		handler  http.HandlerFunc
		want     string
		ends     time.Duration // 0 if it does not
	}{
		"nothing is read": {sends: 8 * step, ends: idle},
		"read slowly": {sends: 8 * step, want: "all", handler: func(w http.ResponseWriter, r *http.Request) {
			buf := make([]byte, step)
			for {
				n, err := io.ReadFull(r.Body, buf)
				if n < step {
					assert.ErrorIs(t, err, io.EOF)
					break
				}
				time.Sleep(idle * 3 / 4)
			}
			_, _ = io.WriteString(w, "all")
		}},
		"nothing is answered": {sends: 1, ends: idle, handler: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(time.Hour)
		}},
		"answered late": {response: response, want: "late", handler: func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(response - 1)
			_, _ = io.WriteString(w, "late")
		}},
		"answered too late": {response: response, ends: response, handler: func(http.ResponseWriter, *http.Request) {
			time.Sleep(response + 1)
		}},
		"stops in the middle": {want: "a", ends: idle, handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Hour)
		}},
		"answered slowly": {want: "aaaaaa", handler: func(w http.ResponseWriter, _ *http.Request) {
			for range 6 {
				_, _ = io.WriteString(w, "a")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(idle - 1)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(2 * time.Hour) // handlers end
				listener := memnet.Listen()
				server := &http.Server{Handler: test.handler}
				if test.handler != nil {
					go func() { _ = server.Serve(listener) }()
				} else {
					go func() {
						conn, _ := listener.Accept()
						time.Sleep(time.Hour)
						conn.Close()
					}()
				}
				defer listener.Close()
				defer server.Close()
				tr, err := transport.New(transport.Options{IdleTimeout: idle, ResponseTimeout: test.response, Dial: listener.Dial})
				require.NoError(t, err)
				defer tr.CloseIdleConnections()

				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://host", strings.NewReader(strings.Repeat("x", test.sends)))
				require.NoError(t, err)
				req.ContentLength = -1 // in chunks: the body in one write
				begun := time.Now()
				resp, err := tr.RoundTrip(req)
				if err == nil {
					var text []byte
					text, err = io.ReadAll(resp.Body)
					resp.Body.Close()
					assert.Equal(t, test.want, string(text))
				}
				if test.ends == 0 {
					require.NoError(t, err)
					return
				}
				assert.Equal(t, test.ends, time.Since(begun))
				var timeout net.Error
				require.True(t, errors.As(err, &timeout), "%v", err)
				assert.True(t, timeout.Timeout(), "%v", err)
			})
		})
	}
}
