package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
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
	putV03(t, s.url("more"), "0123456789abcdef")
	putV03(t, s.url("more"), "fedcba9876543210")
	assert.Equal(t, 2, strings.Count(s.run(t.Context(), "ls", "-json", s.url("more")).out, `"name":`), "a line for each generation")
	assert.Contains(t, s.ok(t, "restore", old, "DIR/out"), "restored generation 0123456789abcdef to index 00000000, offset 0")
	got, err := os.ReadFile(filepath.Join(s.dir, "out"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	assert.Contains(t, s.fails(t, exitFailed, "restore", old, "DIR/out"), "-force")
	assert.Contains(t, s.fails(t, exitUsage, "restore", "-txid", "0000000000000001", old, "DIR/other"), "-txid is for LTX files")
	assert.Contains(t, s.fails(t, exitFailed, "restore", "-generation", "fedcba9876543210", old, "DIR/other"), "unknown generation fedcba9876543210")
	assert.Contains(t, s.ok(t, "verify", old), "1 file, ")
	assert.Contains(t, s.ok(t, "verify", "-generation", "0123456789abcdef", old), "1 file, ")
	assert.Regexp(t, `snapshot +00000000 `, s.ok(t, "ls", "-generation", "0123456789abcdef", old))
	assert.Contains(t, s.run(t.Context(), "ls", "-json", "-generation", "0123456789abcdef", old).out, `"name":"0123456789abcdef"`)
	assert.Contains(t, s.fails(t, exitUsage, "ls", "-level", "0", "-generation", "0123456789abcdef", old), "want one or the other")
	for _, command := range []string{"ls", "verify"} {
		assert.Contains(t, s.fails(t, exitFailed, command, "-generation", "fedcba9876543210", old), "unknown generation fedcba9876543210: want one of [0123456789abcdef]")
		assert.Contains(t, s.fails(t, exitFailed, command, "-generation", "x", old), `generation is "x": want 16`)
		put(t, s.url("ltx"), "default", 0)
		assert.Contains(t, s.fails(t, exitUsage, command, "-generation", "fedcba9876543210", s.url("ltx")), "this replica has LTX files")
	}
	assert.Contains(t, s.fails(t, exitFailed, "restore", "-generation", "0123456789abcdef", s.url("none"), "DIR/other"), "no LTX files in file://DIR/none")
	for name, size := range map[string]int{"snapshots/00000001.snapshot.lz4": 1_234_567, "wal/00000001_00000000.wal.lz4": 65} {
		name = filepath.Join(s.dir, "two/generations/0123456789abcdef", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, make([]byte, size), 0o600))
		require.NoError(t, os.Chtimes(name, time.Unix(0, 0), time.Unix(0, 0)))
	}
	assert.Equal(t, `
GENERATION        SNAPSHOTS  SEGMENTS    SIZE  LAST
0123456789abcdef          1         1  1.2 MB  1970-01-01T00:00:00.000Z
a replica of Litestream v0.3: restore reads it, cp converts it to LTX files
`, "\n"+s.ok(t, "ls", s.url("two")))
	assert.Equal(t, `
KIND      INDEX     OFFSET      SIZE  STORED
snapshot  00000001            1.2 MB  1970-01-01T00:00:00.000Z
segment   00000001  00000000    65 B  1970-01-01T00:00:00.000Z
`, "\n"+s.ok(t, "ls", "-generation", "0123456789abcdef", s.url("two")))
	broken := s.url("broken")
	putV03(t, broken, "0123456789abcdef")
	require.NoError(t, os.Truncate(filepath.Join(s.dir, "broken/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4"), 40))
	problems := s.run(t.Context(), "verify", broken)
	assert.Equal(t, exitProblems, problems.code)
	assert.Contains(t, problems.out, "1 damaged or missing")
	assert.Contains(t, s.fails(t, exitFailed, "restore", broken, "DIR/other"), "ltxstore restore: generations/0123456789abcdef/snapshots/00000000.snapshot.lz4: LZ4 frame is cut off after 40 bytes; to restore what precedes it: -skip-damaged\n")
	assert.NotContains(t, s.fails(t, exitFailed, "restore", "-skip-damaged", broken, "DIR/other"), "-skip-damaged\n")

	assert.Contains(t, s.fails(t, exitFailed, "cp", broken, s.url("never")), "cut off after 40 bytes; to convert what precedes it: -damaged\n")
	assert.NotContains(t, s.fails(t, exitFailed, "cp", "-damaged", broken, s.url("never")), "-damaged\n")
	assert.NoDirExists(t, s.dir+"/never")
	assert.Contains(t, s.ok(t, "cp", old, s.url("new")), "converted generation 0123456789abcdef to transaction 0000000000000001")
	s.ok(t, "restore", s.url("new"), "DIR/new.db")
	got, err = os.ReadFile(filepath.Join(s.dir, "new.db"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	assert.Contains(t, s.fails(t, exitUsage, "cp", "-dry-run", old, s.url("dry")), "-dry-run, -level and -replace are only for LTX files")
}

// What v0.3 wrote, Litestream restores. So it must be able to restore the
// conversion, unless another layout was named or is there.
func TestV03LayoutOfConversion(t *testing.T) {
	s := newShell(t)
	old := s.url("old")
	putV03(t, old, "0123456789abcdef")
	for name, want := range map[string]struct{ args, layout, folder string }{
		"new":   {"", "litestream", "ltx/0"},
		"named": {"?layout=default", "default", "ltx/0000"},
		"s3":    {"?layout=litestream-s3", "litestream-s3", "0000"},
	} {
		for range 2 { // the second time it is there
			assert.Contains(t, s.ok(t, "cp", old, s.url(name)+want.args), "from layout v0.3 to layout "+want.layout+"\n")
		}
		assert.Contains(t, s.ok(t, "cp", "-generation", "0123456789abcdef", old, s.url(name)), "to layout "+want.layout+"\n")
		assert.DirExists(t, filepath.Join(s.dir, name, want.folder))
	}
}

// What v0.3 has encrypted is read with the identities of the URL, or of a litestream.yml;
// without them the error says which setting it wants.
func TestV03Age(t *testing.T) {
	s := newShell(t)
	want := putV03(t, s.url("old"), "0123456789abcdef")
	name := filepath.Join(s.dir, "old/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4")
	packed, err := os.ReadFile(name)
	require.NoError(t, err)
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	require.NoError(t, err)
	_, err = w.Write(packed)
	require.NoError(t, errors.Join(err, w.Close()))
	require.NoError(t, os.WriteFile(name, sealed.Bytes(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "l.yml"), []byte(`
dbs:
  - path: /var/lib/app.db
    replicas:
      - path: `+s.dir+`/old
        age: {identities: [`+id.String()+`], recipients: [`+id.Recipient().String()+`]}
`), 0o600))

	assert.Regexp(t, `0123456789abcdef +1 +0 `, s.ok(t, "ls", s.url("old")), "names are not encrypted")
	for _, args := range [][]string{{"restore", s.url("old"), "DIR/out"}, {"restore", "-skip-damaged", s.url("old"), "DIR/out"},
		{"verify", s.url("old")}, {"cp", s.url("old"), s.url("new")}} {
		text := s.fails(t, exitFailed, args...)
		assert.Contains(t, text, "00000000.snapshot.lz4 is encrypted with age: want the identities of its replica (setting crypt.identities, or age.identities in a litestream.yml)")
	}
	other, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	assert.Contains(t, s.fails(t, exitFailed, "verify", s.url("old")+"?crypt.identities="+other.String()), "crypt.identities")

	for name, args := range map[string][]string{
		"key":    {s.url("old") + "?crypt.identities=" + id.String()},
		"config": {"-config", "DIR/l.yml", "/var/lib/app.db"},
	} {
		with := func(command string, more ...string) []string {
			return append(append([]string{command}, args...), more...)
		}
		assert.Regexp(t, `snapshot +00000000 `, s.ok(t, append([]string{"ls", "-generation", "0123456789abcdef"}, args...)...))
		assert.Contains(t, s.ok(t, with("verify")...), "0 damaged or missing")
		assert.Contains(t, s.ok(t, with("restore", "DIR/"+name)...), "restored generation 0123456789abcdef")
		got, err := os.ReadFile(filepath.Join(s.dir, name))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
		s.ok(t, with("cp", s.url("ltx-"+name))...)
		s.ok(t, "restore", s.url("ltx-"+name), "DIR/"+name+".db")
		got, err = os.ReadFile(filepath.Join(s.dir, name+".db"))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
	}
}

// A store that cannot be listed is not one without generations.
func TestGenerationOfAStoreThatCannotList(t *testing.T) {
	assert.ErrorIs(t, new(app).ofV03(t.Context(), levelless{newFailingAt("list")}, nil), errMethod)
	assert.Error(t, new(app).lsV03(t.Context(), newFailingAt(""), ""))
}

type levelless struct{ *failingAt }

func (levelless) LTXLevels(context.Context) ([]int, error) { return nil, errMethod }
