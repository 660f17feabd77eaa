package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/interop/sample"
)

var ltxstored string // the daemon's binary

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ltxstored")
	if err == nil {
		ltxstored = filepath.Join(dir, "ltxstored")
		build := exec.Command("go", "build", "-o", ltxstored, "./cmd/ltxstored")
		build.Dir, build.Stderr = filepath.FromSlash("../../../litestream"), os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build ltxstored:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// command runs the command with a temporary directory of its own, and returns
// what it left there.
func command(t *testing.T, ctx context.Context, stdout *buffer, args ...string) (code int, stderr string, left []string) {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var errs buffer
	code = run(ctx, append([]string{"-ltxstored", ltxstored}, args...), stdout, &errs)
	entries, err := os.ReadDir(tmp)
	require.NoError(t, err)
	for _, entry := range entries {
		left = append(left, filepath.Join(tmp, entry.Name()))
	}
	return code, errs.String(), left
}

func TestDemo(t *testing.T) {
	for _, layout := range []string{"default", "litestream", "litestream-s3"} {
		t.Run(layout, func(t *testing.T) {
			var out buffer
			code, stderr, left := command(t, t.Context(), &out, "-duration", "1200ms", "-layout", layout)
			require.Zero(t, code, stderr)
			require.Empty(t, stderr)
			require.Empty(t, left)
			for _, want := range []string{"source    a sample database", "layout " + layout, "done ", "level 0", "level 1", "snapshots", "latest    restored in", "\nat ", "OK  "} {
				require.Contains(t, out.String(), want)
			}
			for line := range strings.Lines(out.String()) {
				assert.LessOrEqual(t, len(line)-1, 80, line)
			}
		})
	}
}

// TestInterrupt: Ctrl-C is a clean stop, long before the time is over.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	statuses := 0
	out := buffer{each: func(text string) {
		// By the second status, a mark has been due for seconds.
		if strings.Contains(text, " syncs | ") {
			if statuses++; statuses == 2 {
				cancel()
			}
		}
	}}
	code, stderr, left := command(t, ctx, &out, "-duration", "1h", "-keep")
	require.Zero(t, code, stderr)
	require.Contains(t, out.String(), "stopping ")
	require.Contains(t, out.String(), "latest    restored")
	require.Contains(t, out.String(), "\nat ", "a moment before the interrupt")
	require.Contains(t, out.String(), "OK  ")

	require.Len(t, left, 1)
	require.Contains(t, out.String(), "kept      "+left[0])
	require.NoError(t, dbcheck.Compare(t.Context(), filepath.Join(left[0], "source.db"), filepath.Join(left[0], "restored-latest.db")))
	require.NoError(t, dbcheck.Integrity(t.Context(), filepath.Join(left[0], "restored-earlier.db")))
}

// TestInterruptAtOnce: before the first sync there is nothing to show.
func TestInterruptAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out buffer
	code, stderr, left := command(t, ctx, &out)
	require.Equal(t, 1, code)
	require.Equal(t, "replicate: interrupted before the first sync: there is nothing to restore\n", stderr)
	require.Empty(t, left)
}

// TestOwnDatabase replicates a database that others write to, twice into one
// replica: the second time goes on where the first stopped.
func TestOwnDatabase(t *testing.T) {
	dir := t.TempDir()
	db, replica := filepath.Join(dir, "mine.db"), filepath.Join(dir, "re plica")
	require.NoError(t, sample.Create(t.Context(), db, sample.Options{Orders: 50}))
	load, err := sample.Start(t.Context(), db, sample.LoadOptions{Connections: 2})
	require.NoError(t, err)

	for _, url := range []string{replica, "file://" + strings.ReplaceAll(replica, " ", "%20")} {
		var out buffer
		code, stderr, left := command(t, t.Context(), &out, "-db", db, "-replica", url, "-duration", "500ms")
		require.Zero(t, code, stderr)
		require.Contains(t, out.String(), "source    "+db)
		require.Contains(t, out.String(), "OK  ")
		require.Empty(t, left)
	}
	require.NoError(t, load.Stop())
	require.Greater(t, load.Transactions(), int64(10))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		require.Contains(t, []string{"mine.db", "mine.db-wal", "mine.db-shm", "re plica"}, entry.Name())
	}
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte("no database, but long enough"), 0o600))
	short := filepath.Join(dir, "short")
	require.NoError(t, os.WriteFile(short, []byte("SQLite"), 0o600))

	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-x"}, 2, "not defined: -x (-h lists the flags)"},
		{[]string{"-duration", "ten"}, 2, `invalid value "ten" for flag -duration`},
		{[]string{"-duration", "-1s"}, 2, "-duration is -1s: want 0 (until Ctrl-C) or more"},
		{[]string{"-layout", "flat"}, 2, "want one of default, litestream, litestream-s3"},
		{[]string{"more"}, 2, `unexpected argument "more"`},
		{[]string{"-db", filepath.Join(dir, "none")}, 1, "does not exist: want the path of a SQLite database, or no -db for a sample"},
		{[]string{"-db", dir}, 1, "is a directory: want"},
		{[]string{"-db", os.DevNull}, 1, "is a special file: want"},
		{[]string{"-db", text}, 1, "is not a SQLite database: want"},
		{[]string{"-db", short}, 1, "is not a SQLite database: want"},
		{[]string{"-replica", "ftp://bucket/path"}, 1, `no backend is registered for the scheme "ftp": known are abs, file, gcs, gs, `},
		{[]string{"-replica", "s3:///path"}, 1, "has no bucket"},
		{[]string{"-replica", "s3://bucket/path#x"}, 1, "has a fragment"},
		{[]string{"-replica", "s3://key:s3cr3t@bucket/path?part=1"}, 1, `-replica s3://[redacted]@bucket/path?part=[redacted] cannot be used: `},
		{[]string{"-replica", "s3://bucket/path?regoin=a"}, 1, "did you mean region?"},
		{[]string{"-replica", "s3://bucket/path?region=a&region=b"}, 1, "want one of them"},
		{[]string{"-replica", "s3://bucket/path?region=%zz"}, 1, "region, in the URL's query, has a %"},
		{[]string{"-replica", "s3://bucket/path?endpoint=ftp://localhost"}, 1, "want a URL such as https://host"},
		{[]string{"-replica", "://x"}, 1, "has no scheme"},
		{[]string{"-replica", "file://host/path"}, 1, "has a host before its path"},
		{[]string{"-replica", "file://"}, 1, "has no path"},
		{[]string{"-replica", "file:///tmp/x?a=b"}, 1, `unknown setting "a" in the URL`},
		{[]string{"-replica", "file:///%zz"}, 1, "the URL's path has a %"},
		{[]string{"-replica", text}, 1, "-replica " + text + " cannot be used: "},
		{[]string{"-replica", filepath.Join(text, "below")}, 1, "cannot be used: "},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			var out buffer
			code, stderr, left := command(t, t.Context(), &out, tc.args...)
			require.Equal(t, tc.code, code, stderr)
			require.Empty(t, left)
			require.Contains(t, stderr, tc.says)
			require.NotContains(t, stderr, "s3cr3t")
			require.True(t, strings.HasPrefix(stderr, "replicate: "), stderr)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			require.Empty(t, out.String())
		})
	}
}

func TestHelp(t *testing.T) {
	var out buffer
	code, stderr, _ := command(t, t.Context(), &out, "-h")
	require.Zero(t, code)
	require.Empty(t, stderr)
	for _, name := range []string{"-db", "-replica", "-duration", "-layout", "-keep", "-ltxstored", "-v"} {
		require.Contains(t, out.String(), "  "+name)
	}
}

// TestDifference: a restore that is not what the source held is a failure.
func TestDifference(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "source.db")
	require.NoError(t, sample.Create(t.Context(), db, sample.Options{Orders: 5}))
	client, err := openReplica(t.Context(), filepath.Join(dir, "replica"), ltxstore.LayoutDefault)
	require.NoError(t, err)
	defer ltxstore.Close(client)
	e, err := engine.Open(t.Context(), engine.Config{DB: db, Client: client})
	require.NoError(t, err)
	mark, err := e.Mark(t.Context())
	require.NoError(t, err)
	require.NoError(t, e.Close(t.Context()))

	var out buffer
	s := &session{screen: newScreen(&out), client: client, dir: dir}
	require.NoError(t, s.verify(t.Context(), "right", "right", engine.Target{}, mark.Content))
	mark.Content.Tables[0].Sum[0]++
	err = s.verify(t.Context(), "wrong", "wrong", engine.Target{}, mark.Content)
	require.ErrorIs(t, err, dbcheck.ErrDifferent)
	require.Contains(t, out.String(), "wrong     DIFFERS")
	err = s.verify(t.Context(), "none", "none", engine.Target{TXID: mark.TXID + 9}, mark.Content)
	require.ErrorContains(t, err, "transaction")
}

// TestScreen: on a terminal the status is one line, never wider than it.
func TestScreen(t *testing.T) {
	var out buffer
	s := &screen{w: &out, width: 12}
	s.status("äöü456789012345")
	s.status("short")
	s.say("label", "%d", 1)
	s.say("label", "%d", 2)
	require.Equal(t, "\räöü45678901\x1b[K\rshort\x1b[K\r\x1b[Klabel     1\nlabel     2\n", out.String())
	require.Less(t, s.every(), time.Second)
}

// buffer is what the command writes to. each, if set, sees what is written.
type buffer struct {
	bytes.Buffer
	each func(text string)
}

func (b *buffer) Write(p []byte) (int, error) {
	if b.each != nil {
		b.each(string(p))
	}
	return b.Buffer.Write(p)
}
