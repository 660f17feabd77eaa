// Package archtest holds the tree to the rules that no compiler checks: which
// package may import which, what an importer compiles, how files are cut, and
// that the documents say what the code does. It has tests only.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/ltxstore/ltxstore"

	// root is the top of the tree, from this folder.
	root = "../.."
)

// pkg is what the tests need of go list's answer.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// goList lists packages and everything that their production code needs, as a
// system of that name compiles it ("" for this one).
func goList(t *testing.T, goos string, patterns ...string) map[string]pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps", "-json=ImportPath,Standard,Imports,Deps"}, patterns...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if goos != "" {
		cmd.Env = append(cmd.Env, "GOOS="+goos, "CGO_ENABLED=0")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())

	pkgs := make(map[string]pkg)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		require.NoError(t, err)
		pkgs[p.ImportPath] = p
	}
}

// read returns a file of the tree.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(b)
}

// files returns the names of all files of the tree, slashed, that end in ext:
// hidden folders and test data are left out, the nested module is not.
func files(t *testing.T, ext string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && (base == "testdata" || strings.HasPrefix(base, ".") && name != "."):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(base, ext):
			names = append(names, name)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

// backends returns the folders at the top of the tree that have a client.
func backends(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(root), "*/replica_client.go")
	require.NoError(t, err)
	for i, name := range found {
		found[i] = strings.TrimSuffix(name, "/replica_client.go")
	}
	require.Contains(t, found, "file")
	require.Contains(t, found, "mock")
	return found
}
