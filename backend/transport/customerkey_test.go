package transport_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// A customer's key has its size, and crosses no network in the clear.
func TestCheckCustomerKey(t *testing.T) {
	key := strings.Repeat("k", transport.CustomerKeySize)
	for _, test := range []struct{ key, file, endpoint, want string }{
		{"", "", "http://h", ""},
		{key, "", "https://h", ""},
		{key, "", "", ""},
		{"", "f", "https://h", ""},
		{key[1:], "", "https://h", "Key"},
		{key + "k", "", "", "Key"},
		{key, "", "HTTP://h", "want https: Key would be sent"},
		{"", "f", "http://h", "want https: Key would be sent"},
	} {
		err := transport.CheckCustomerKey("kv", "Key", []byte(test.key), test.file, test.endpoint)
		if test.want == "" {
			assert.NoError(t, err, test)
			continue
		}
		assert.ErrorIs(t, err, fs.ErrInvalid, test)
		assert.ErrorContains(t, err, test.want)
		assert.NotContains(t, err.Error(), "kkk")
	}
}

// A bundle is nothing for a RoundTripper, which has its own certificates.
func TestBundleOfARoundTripper(t *testing.T) {
	assert.NoError(t, transport.Options{RoundTripper: http.DefaultTransport}.Check("kv"))
	assert.ErrorContains(t, transport.Options{RoundTripper: http.DefaultTransport, CABundle: "/nowhere"}.Check("kv"), "with a RoundTripper")
	assert.ErrorContains(t, transport.Options{CABundle: "/nowhere"}.Check("kv"), "want a file with PEM certificates")
}
