package archtest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// section returns what follows a heading of a document, to the next heading.
func section(t *testing.T, document, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, document), "\n## "+heading+"\n")
	require.True(t, ok, "%s has no section %q", document, heading)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// A reader of the README gets to the documents in three screens.
func TestREADMEIsShort(t *testing.T) {
	assert.LessOrEqual(t, strings.Count(read(t, "README.md"), "\n"), 150)
}

// A backend is in the table if, and only if, there is code for it; what is
// planned has none.
func TestREADMEBackends(t *testing.T) {
	var there, planned []string
	for _, row := range rows(section(t, "README.md", "Backends"))[1:] {
		require.Len(t, row, 3)
		name := strings.Trim(row[0], "`")
		if strings.HasPrefix(row[2], "planned") {
			planned = append(planned, name)
		} else {
			there = append(there, name)
		}
	}
	slices.Sort(there)
	assert.Equal(t, backends(t), there)
	for _, name := range planned {
		assert.NotContains(t, backends(t), name)
	}
}

// The table of kinds has all of them, and IsRetryable says of each what the
// table says.
func TestErrorsTable(t *testing.T) {
	kinds := map[string]error{
		"fs.ErrNotExist":            fs.ErrNotExist,
		"fs.ErrExist":               fs.ErrExist,
		"fs.ErrPermission":          fs.ErrPermission,
		"fs.ErrInvalid":             fs.ErrInvalid,
		"errors.ErrUnsupported":     errors.ErrUnsupported,
		"ltxstore.ErrStoreNotFound": ltxstore.ErrStoreNotFound,
		"ltxstore.ErrThrottled":     ltxstore.ErrThrottled,
		"ltxstore.ErrUnavailable":   ltxstore.ErrUnavailable,
		"ltxstore.ErrChecksum":      ltxstore.ErrChecksum,
	}
	for name := range exported(t, ".") {
		if strings.HasPrefix(name, "Err") && name != "Error" && name != "ErrStopIter" && !strings.Contains(name, ".") {
			assert.Contains(t, kinds, "ltxstore."+name, "a new kind")
		}
	}
	var listed []string
	for _, row := range rows(read(t, "docs/errors.md"))[1:] {
		require.Len(t, row, 3)
		name := strings.Trim(row[0], "`")
		kind, ok := kinds[name]
		if !assert.True(t, ok, "%s is no kind", name) {
			continue
		}
		listed = append(listed, name)
		want := map[bool]string{true: "yes", false: "no"}[ltxstore.IsRetryable(&ltxstore.Error{Op: "open", Kind: kind})]
		assert.Equal(t, want, row[2], name)
	}
	assert.Len(t, listed, len(kinds))
}

// The table of layouts has all of them, and the keys that they build.
func TestLayoutsTable(t *testing.T) {
	table := rows(section(t, "docs/litestream.md", "Layouts"))[1:]
	for i, row := range table {
		require.Len(t, row, 4)
		layout, err := ltxstore.ParseLayout(strings.Trim(row[1], "`"))
		require.NoError(t, err)
		assert.Equal(t, ltxstore.Layout(i), layout)
		assert.True(t, exported(t, ".")[strings.TrimPrefix(strings.Trim(row[0], "`"), "ltxstore.")], row[0])
		keys, err := backend.NewKeys(layout, "")
		require.NoError(t, err)
		assert.Equal(t, "`"+keys.File(1, 1, 0x1f)+"`", row[2])
		assert.Equal(t, "`"+keys.LevelPrefix(ltxstore.SnapshotLevel)+"`", row[3])
	}
	_, err := backend.NewKeys(ltxstore.Layout(len(table)), "")
	assert.Error(t, err, "a layout is missing in the table")
}

// sourceFile matches a Go file in the table of CONTRIBUTING.md: with its folder or,
// if each backend has one, without.
var sourceFile = regexp.MustCompile("`([a-z0-9_/]+\\.go)`")

// TestContributingNamesFiles finds the files that CONTRIBUTING.md says to edit.
func TestContributingNamesFiles(t *testing.T) {
	names := sourceFile.FindAllStringSubmatch(section(t, "CONTRIBUTING.md", "Where to change what"), -1)
	require.GreaterOrEqual(t, len(names), 15)
	for _, m := range names {
		folders := []string{""}
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && !strings.Contains(m[1], "/") {
			folders = backends(t)
			if m[1] == "limits.go" {
				folders = slices.DeleteFunc(folders, func(name string) bool { return name == "file" || name == "mock" })
			}
		}
		for _, folder := range folders {
			assert.FileExists(t, filepath.Join(root, folder, filepath.FromSlash(m[1])))
		}
	}
}
