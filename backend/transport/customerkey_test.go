package transport_test

import (
	"bytes"
	"crypto/md5"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// The key in a file takes the place of the file, and a key is copied.
func TestLoadCustomerKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("k"), transport.CustomerKeySize), 0o600))
	var key []byte
	require.NoError(t, transport.LoadCustomerKey("kv", "KeyFile", &key, &file))
	assert.Equal(t, bytes.Repeat([]byte("k"), transport.CustomerKeySize), key)
	assert.Empty(t, file)
	given := key
	require.NoError(t, transport.LoadCustomerKey("kv", "KeyFile", &given, &file))
	key[0] = 'x'
	assert.Equal(t, bytes.Repeat([]byte("k"), transport.CustomerKeySize), given)
	file = "/nowhere"
	err := transport.LoadCustomerKey("kv", "KeyFile", &key, &file)
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "KeyFile")
}

func TestEncodeCustomerKey(t *testing.T) {
	key, sum := transport.EncodeCustomerKey([]byte("key"), md5.New())
	assert.Equal(t, []string{"a2V5", "PG4LipwVIkqCKLmpjKFTHQ=="}, []string{key, sum})
}

// A bundle is nothing for a RoundTripper, which has its own certificates.
func TestBundleOfARoundTripper(t *testing.T) {
	assert.NoError(t, transport.Options{RoundTripper: http.DefaultTransport}.Check("kv"))
	assert.ErrorContains(t, transport.Options{RoundTripper: http.DefaultTransport, CABundle: "/nowhere"}.Check("kv"), "with a RoundTripper")
	assert.ErrorContains(t, transport.Options{CABundle: "/nowhere"}.Check("kv"), "want a file with PEM certificates")
}
