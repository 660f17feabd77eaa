package backend_test

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend"
)

func TestReadKey(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	encoded := base64.StdEncoding.EncodeToString([]byte(key))
	for content, ok := range map[string]bool{
		key: true, encoded: true, "  " + encoded + "\n": true,
		"": false, key[1:]: false, key + "\n": false, encoded[4:]: false, strings.Repeat("x", 1<<20): false,
	} {
		name := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
		got, err := backend.ReadKey(name, len(key))
		if ok {
			assert.NoError(t, err)
			assert.Equal(t, key, string(got))
			continue
		}
		assert.ErrorContains(t, err, name+" does not contain a key of 32 bytes")
		if len(content) > 5 {
			assert.NotContains(t, err.Error(), content[:5])
		}
	}
}

func TestReadKeyOfNoFile(t *testing.T) {
	_, err := backend.ReadKey(filepath.Join(t.TempDir(), "missing"), 32)
	assert.ErrorContains(t, err, "missing")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	_, err = backend.ReadKey(t.TempDir(), 32)
	assert.Error(t, err)
}
