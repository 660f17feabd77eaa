package main

import (
	"bytes"
	"encoding/binary"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// putV03 makes a replica of Litestream v0.3 of a snapshot, and returns its database.
func putV03(t *testing.T, at, generation string) []byte {
	t.Helper()
	u, err := url.Parse(at)
	require.NoError(t, err)
	db := bytes.Repeat([]byte(generation), 64) // two pages of 512 bytes
	copy(db, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(db[16:], 512)
	var packed bytes.Buffer
	w := lz4.NewWriter(&packed)
	_, err = w.Write(db)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	dir := filepath.Join(u.Path, "generations", generation, "snapshots")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "00000000.snapshot.lz4"), packed.Bytes(), 0o600))
	return db
}

func TestV03(t *testing.T) {
	s := newShell(t)
	old := s.url("old")
	want := putV03(t, old, "0123456789abcdef")
	assert.Regexp(t, `0123456789abcdef +1 +0 `, s.ok(t, "ls", old))
	assert.Contains(t, s.run(t.Context(), "ls", "-json", old).out, `"name":"0123456789abcdef"`)
	assert.Contains(t, s.ok(t, "restore", old, "DIR/out"), "restored generation 0123456789abcdef to index 00000000, offset 0")
	got, err := os.ReadFile(filepath.Join(s.dir, "out"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	assert.Contains(t, s.fails(t, exitFailed, "restore", old, "DIR/out"), "-force")
	assert.Contains(t, s.fails(t, exitUsage, "restore", "-txid", "0000000000000001", old, "DIR/other"), "-txid names a transaction of LTX files")
	assert.Contains(t, s.fails(t, exitFailed, "restore", "-generation", "fedcba9876543210", old, "DIR/other"), "there is no generation fedcba9876543210")
	assert.Contains(t, s.ok(t, "verify", old), "1 file, ")
	assert.Contains(t, s.ok(t, "verify", "-generation", "0123456789abcdef", old), "1 file, ")
	assert.Regexp(t, `snapshot +00000000 `, s.ok(t, "ls", "-generation", "0123456789abcdef", old))
	assert.Contains(t, s.run(t.Context(), "ls", "-json", "-generation", "0123456789abcdef", old).out, `"name":"0123456789abcdef"`)
	assert.Contains(t, s.fails(t, exitUsage, "ls", "-level", "0", "-generation", "0123456789abcdef", old), "want one or the other")
	for _, command := range []string{"ls", "verify"} {
		assert.Contains(t, s.fails(t, exitFailed, command, "-generation", "fedcba9876543210", old), "there is no generation fedcba9876543210: want one of [0123456789abcdef]")
		assert.Contains(t, s.fails(t, exitFailed, command, "-generation", "x", old), `generation is "x": want 16`)
		put(t, s.url("ltx"), "default", 0)
		assert.Contains(t, s.fails(t, exitUsage, command, "-generation", "fedcba9876543210", s.url("ltx")), "this replica has LTX files")
	}
	broken := s.url("broken")
	putV03(t, broken, "0123456789abcdef")
	require.NoError(t, os.Truncate(filepath.Join(s.dir, "broken/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4"), 40))
	problems := s.run(t.Context(), "verify", broken)
	assert.Equal(t, exitProblems, problems.code)
	assert.Contains(t, problems.out, "1 damaged or missing")
	assert.Contains(t, s.fails(t, exitFailed, "restore", broken, "DIR/other"), "00000000.snapshot.lz4: LZ4 frame is cut off after 40 bytes")

	assert.Contains(t, s.ok(t, "cp", old, s.url("new")), "converted generation 0123456789abcdef to transaction 0000000000000001")
	s.ok(t, "restore", s.url("new"), "DIR/new.db")
	got, err = os.ReadFile(filepath.Join(s.dir, "new.db"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	assert.Contains(t, s.fails(t, exitUsage, "cp", "-dry-run", old, s.url("dry")), "-dry-run, -level and -replace only apply to LTX files")
}
