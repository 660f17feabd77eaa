package transport_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
)

func TestSpeaks(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	ours, err := transport.New(transport.Options{})
	require.NoError(t, err)
	for name, tr := range map[string]*http.Transport{"ours": ours, "net/http's": http.DefaultTransport.(*http.Transport).Clone()} {
		_, err = get(t, tr, strings.Replace(plain.URL, "http:", "https:", 1))
		require.Error(t, err)
		assert.Equal(t, "http", transport.Speaks(err), name)
	}
	for text, want := range map[string]string{
		`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02\x16"`: "https",
		"Client sent an HTTP request to an HTTPS server.":                                                        "https",
		"400 The plain HTTP request was sent to HTTPS port":                                                      "https",
		`malformed HTTP response "SSH-2.0-OpenSSH"`:                                                              "",
		"tls: first record does not look like a TLS handshake":                                                   "",
	} {
		assert.Equal(t, want, transport.Speaks(errors.New(text)), text)
	}
	assert.Empty(t, transport.Speaks(nil))
	for header, want := range map[string]string{"HTTP/": "http", "SSH-2": ""} {
		record := tls.RecordHeaderError{Msg: "no record"}
		copy(record.RecordHeader[:], header)
		assert.Equal(t, want, transport.Speaks(fmt.Errorf("dial: %w", record)), header)
	}
}
