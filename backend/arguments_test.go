package backend_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func TestCheckFile(t *testing.T) {
	for _, level := range []int{0, 9, ltxstore.MaxLevel} {
		assert.NoError(t, backend.CheckLevel(level))
		assert.NoError(t, backend.CheckFile(level, 1, 1))
	}
	for want, check := range map[string]error{
		"level is -1: want 0 or more: invalid argument":                                         backend.CheckLevel(-1),
		"level is 10000: want at most 9999: invalid argument":                                   backend.CheckFile(10000, 1, 1),
		"minTXID is 0000000000000002: want at most maxTXID, 0000000000000001: invalid argument": backend.CheckFile(0, 2, 1),
	} {
		assert.EqualError(t, check, want)
		assert.ErrorIs(t, check, fs.ErrInvalid)
	}
}

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/": "", "///": "", ".": "", "./": "", "./.": "",
		"db": "db", "/db/": "db", "//a//b//": "a/b", "./a/./b/.": "a/b",
		"...": "...", "a/..b/c..": "a/..b/c..", " a /b ": " a /b ", "ä/数据": "ä/数据", "a\\b": "a\\b",
	} {
		got, err := backend.CleanPath(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, got, path)
	}
	for path, want := range map[string]string{
		"..": `no ".." segment`, "a/../b": `no ".." segment`, "/..": `no ".." segment`, "a/..": `no ".." segment`,
		"a\x00b": "no NUL byte", "a\xffb": "UTF-8",
	} {
		_, err := backend.CleanPath(path)
		assert.ErrorIs(t, err, fs.ErrInvalid, "%q", path)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, fmt.Sprintf("%q", path))
		_, err = backend.NewKeys(ltxstore.LayoutDefault, path)
		assert.ErrorIs(t, err, fs.ErrInvalid)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, path := range []string{"", "/", "a/b", "//a//./b//", "..", "a/../b", "...", "a\x00", "\xff"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		clean, err := backend.CleanPath(path)
		if err != nil {
			require.ErrorIs(t, err, fs.ErrInvalid)
			return
		}
		again, err := backend.CleanPath(clean)
		require.NoError(t, err)
		require.Equal(t, clean, again)
		require.NotContains(t, clean, "//")
		require.Equal(t, strings.Trim(clean, "/"), clean)
	})
}

func TestParseFilename(t *testing.T) {
	lo, hi, ok := backend.ParseFilename("00000000000000ab-fedcba9876543210.ltx")
	assert.True(t, ok)
	assert.Equal(t, [2]ltx.TXID{0xab, 0xfedcba9876543210}, [2]ltx.TXID{lo, hi})
	for _, name := range []string{"", ".ltx", "00000000000000ab-fedcba9876543210.LTX", "00000000000000ab_fedcba9876543210.ltx",
		"00000000000000ab-fedcba9876543210.ltx ", "0000000000000-b-fedcba9876543210.ltx", "00000000000000ab-fedcba987654321.ltxx"} {
		_, _, ok := backend.ParseFilename(name)
		assert.False(t, ok, name)
	}
}

func TestCheckFiles(t *testing.T) {
	good := &ltx.FileInfo{Level: 1, MinTXID: 1, MaxTXID: 2}
	assert.NoError(t, backend.CheckFiles(nil))
	assert.NoError(t, backend.CheckFiles([]*ltx.FileInfo{good, good}))
	for want, bad := range map[string]*ltx.FileInfo{
		"files[1] is nil":       nil,
		"files[1]: level is -1": {Level: -1},
		"files[1]: minTXID is 0000000000000003: want at most maxTXID": {MinTXID: 3, MaxTXID: 2},
	} {
		err := backend.CheckFiles([]*ltx.FileInfo{good, bad})
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
}
