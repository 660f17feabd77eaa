package realpath_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/realpath"
)

func TestOf(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("there", 0o700))
	require.NoError(t, os.Symlink("there", "link"))
	require.NoError(t, os.Symlink("nowhere", "dangling"))
	for path, want := range map[string]string{
		"":                  ".",
		"there/":            "there",
		"./there/../there":  "there",
		"link":              "there",
		"link/not/yet":      "there/not/yet",
		"not/yet":           "not/yet",
		"dangling/x":        "dangling/x",
		dir + "//link/x/./": "there/x",
	} {
		assert.Equal(t, filepath.Join(dir, filepath.FromSlash(want)), realpath.Of(filepath.FromSlash(path)), path)
	}
}
