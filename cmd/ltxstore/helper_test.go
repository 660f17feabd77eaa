package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
)

var update = flag.Bool("update", false, "write docs/command.md and testdata")

// shell runs the command in this process.
type shell struct {
	dir string // with a replica in dir/rep
	in  string
	tty bool
	now func() time.Time
	env map[string]string

	config string // in place of /etc/litestream.yml
	from   *ltxmodel.History
}

// history is a database of 6 transactions on levels 0, 1 and 9.
var history = []struct {
	level    int
	min, max ltx.TXID
}{{0, 4, 4}, {0, 5, 5}, {0, 6, 6}, {1, 1, 3}, {1, 4, 5}, {9, 1, 2}}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{dir: filepath.ToSlash(t.TempDir()), now: time.Now, from: ltxmodel.New(1, 6)}
	client := file.NewReplicaClient(file.Config{Path: s.dir + "/rep"})
	client.SetLogger(nil)
	for _, f := range history {
		_, err := client.WriteLTXFile(t.Context(), f.level, f.min, f.max, bytes.NewReader(s.from.File(f.min, f.max)))
		require.NoError(t, err)
	}
	require.NoError(t, client.Close())
	return s
}

func (s *shell) url(name string) string { return "file://" + s.dir + "/" + name }

type result struct {
	code     int
	out, err string
}

func (s *shell) run(ctx context.Context, args ...string) result {
	var out, err bytes.Buffer
	a := &app{in: strings.NewReader(s.in), out: &out, err: &err, inTTY: s.tty, outTTY: s.tty, errTTY: s.tty, width: 80, now: s.now,
		env: func(name string) (string, bool) { value, ok := s.env[name]; return value, ok }, defaultConfig: s.config}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", s.dir)
	}
	code := a.run(ctx, args)
	hide := func(b bytes.Buffer) string { return strings.ReplaceAll(b.String(), s.dir, "DIR") }
	return result{code, hide(out), hide(err)}
}

// ok runs a command that must succeed without a word on standard error.
func (s *shell) ok(t *testing.T, args ...string) string {
	t.Helper()
	r := s.run(t.Context(), args...)
	require.Equal(t, exitOK, r.code, "%s", r.err)
	require.Empty(t, r.err)
	for line := range strings.Lines(r.out) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, line)
	}
	return r.out
}

// fails runs a command that must fail, with one line that says why.
func (s *shell) fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	r := s.run(t.Context(), args...)
	assert.Equal(t, code, r.code, "%s", r.err)
	assert.Equal(t, 1, strings.Count(r.err, "\n"), "one line: %q", r.err)
	return r.err
}

// golden compares a text with testdata/NAME.txt.
func golden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}
