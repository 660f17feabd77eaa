package backends_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/backends"
)

// Every folder of the library that registers a backend is imported.
func TestAll(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	require.NoError(t, err)
	source, err := os.ReadFile("backends.go")
	require.NoError(t, err)
	found := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if !strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), "settings.Register(") {
			found++
			assert.Contains(t, string(source), `"github.com/ltxstore/ltxstore/`+filepath.Base(filepath.Dir(name))+`"`)
		}
	}
	assert.GreaterOrEqual(t, found, 5)
	for _, scheme := range []string{"file", "gs", "nats", "s3"} {
		_, err := ltxstore.Open(t.Context(), scheme+"://")
		assert.NotContains(t, err.Error(), "no backend is registered")
	}
}
