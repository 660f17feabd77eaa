package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

func TestLs(t *testing.T) {
	s := newShell(t)
	golden(t, "ls", s.ok(t, "ls", "-metadata", s.url("rep")))
	golden(t, "ls-json", s.run(t.Context(), "ls", "-json", "-level", "1", s.url("rep")).out)
	from := s.ok(t, "ls", "-level", "0", "-seek", "0000000000000005", s.url("rep"))
	assert.Contains(t, from, "2 files")
	assert.NotContains(t, from, "0000000000000004")
	put(t, s.url("nine"), "default", 9)
	for _, level := range []string{"5", "0"} {
		assert.Equal(t, "0 files, 0 B\n", s.ok(t, "ls", "-level", level, s.url("nine")), "what was asked for is empty")
	}
}

func TestCat(t *testing.T) {
	s := newShell(t)
	const name = "0000000000000004-0000000000000004"
	body := string(s.from.File(4, 4))
	assert.Equal(t, body, s.run(t.Context(), "cat", s.url("rep"), "0", name).out)
	assert.Equal(t, body[10:30], s.run(t.Context(), "cat", "-offset", "10", "-size", "20", s.url("rep"), "0", name+".ltx").out)
	assert.Contains(t, s.fails(t, exitUsage, "cat", "-offset", "-1", s.url("rep"), "0", name), "-offset is -1")

	s.tty = true
	assert.Contains(t, s.fails(t, exitUsage, "cat", s.url("rep"), "0", name), "redirect it to a file")
	assert.Equal(t, body, s.run(t.Context(), "cat", "-force", s.url("rep"), "0", name).out)
}

// A copy that was broken off goes on, changes what differs only if told to, and
// never deletes.
func TestCp(t *testing.T) {
	s := newShell(t)
	to := s.url("copy") + "?layout=litestream"
	golden(t, "cp", s.ok(t, "cp", s.url("rep"), to))
	part := filepath.Join(s.dir, "copy", "ltx", "0")
	entries, err := os.ReadDir(part)
	require.NoError(t, err)
	require.Len(t, entries, 3, "in Litestream's layout")
	require.NoError(t, os.Remove(filepath.Join(part, entries[0].Name())))
	require.NoError(t, os.WriteFile(filepath.Join(part, entries[1].Name()), []byte("damaged"), 0o644))

	assert.Contains(t, s.ok(t, "cp", "-dry-run", "-level", "1", "-level", "9", s.url("rep"), s.url("copy")), "skipped      3")
	r := s.run(t.Context(), "cp", s.url("rep"), s.url("copy"))
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.err, "1 file not copied, see above")
	golden(t, "cp-failed", r.out)

	var report struct {
		Files map[string]int `json:"files"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.ok(t, "cp", "-json", "-replace", s.url("rep"), s.url("copy"))), &report))
	assert.Equal(t, map[string]int{"replaced": 1, "skipped": 5}, report.Files)
	for _, f := range history {
		body, err := os.ReadFile(filepath.Join(s.dir, "copy", "ltx", string(rune('0'+f.level)), f.min.String()+"-"+f.max.String()+".ltx"))
		require.NoError(t, err)
		assert.Equal(t, s.from.File(f.min, f.max), body)
	}
	assert.Contains(t, s.ok(t, "cp", "-dry-run", s.url("rep"), s.url("other")), "would be copied")
	assert.NoDirExists(t, s.dir+"/other")
}

func TestRm(t *testing.T) {
	s := newShell(t)
	const name = "0000000000000006-0000000000000006"
	r := s.fails(t, exitUsage, "rm", s.url("rep"), "0", name)
	assert.Contains(t, r, "cannot ask whether to delete 1 file of file://DIR/rep (layout default): use -yes")

	s.tty = true
	for _, answer := range []string{"", "\n", "n\n", "maybe\n"} {
		s.in = answer
		r := s.run(t.Context(), "rm", s.url("rep"), "0", name)
		assert.Equal(t, exitFailed, r.code)
		assert.Contains(t, r.err, "delete 1 file of file://DIR/rep (layout default)? [y/N] ")
		assert.Contains(t, r.err, "nothing was deleted")
	}
	assert.Contains(t, s.ok(t, "ls", s.url("rep")), "6 files")
	s.in = "Yes\n"
	assert.Equal(t, "deleted 1 file of file://DIR/rep (layout default)\n", s.run(t.Context(), "rm", s.url("rep"), "0", name).out)
	assert.Contains(t, s.ok(t, "ls", s.url("rep")), "5 files")

	s.tty = false
	for _, args := range [][]string{{name}, {"-yes", name}, {"0000000000000006-0000000000000007"}} {
		args = append([]string{"rm", s.url("rep"), "0"}, args...)
		assert.Contains(t, s.fails(t, exitFailed, args...), "1 file not found: level 0 has no 0000000000000006-000000000000000", "%v", args)
	}
	both := s.run(t.Context(), "rm", "-yes", s.url("rep"), "1", "0000000000000001-0000000000000003", "0000000000000004-0000000000000009")
	assert.Equal(t, exitFailed, both.code)
	assert.Equal(t, "deleted 1 file of file://DIR/rep (layout default)\n", both.out)
	assert.Contains(t, both.err, "1 file not found: level 1 has no 0000000000000004-0000000000000009")

	stranger := filepath.Join(s.dir, "rep", "notes.txt")
	require.NoError(t, os.WriteFile(stranger, nil, 0o644))
	assert.Contains(t, s.ok(t, "rm", "-all", "-yes", s.url("rep")), "deleted 4 files")
	assert.FileExists(t, stranger)
	s.fails(t, exitFailed, "ls", s.url("rep"))
	assert.Contains(t, s.fails(t, exitFailed, "rm", "-all", s.url("rep")), "no LTX files")
	assert.Equal(t, "deleted 0 files, 0 B, of file://DIR/rep (layout default)\n", s.ok(t, "rm", "-all", "-yes", s.url("rep")), "what broken writes have left goes")
}

func TestVerify(t *testing.T) {
	s := newShell(t)
	golden(t, "verify", s.ok(t, "verify", s.url("rep")))

	require.NoError(t, os.WriteFile(s.dir+"/rep/ltx/0001/0000000000000001-0000000000000003.ltx", s.from.File(1, 2), 0o644))
	body := s.from.File(6, 6)
	body[len(body)-20]++
	require.NoError(t, os.WriteFile(s.dir+"/rep/ltx/0000/0000000000000006-0000000000000006.ltx", body, 0o644))
	r := s.run(t.Context(), "verify", s.url("rep"))
	assert.Equal(t, exitProblems, r.code)
	assert.Empty(t, r.err)
	golden(t, "verify-damaged", r.out)

	r = s.run(t.Context(), "verify", "-json", s.url("rep"))
	assert.Equal(t, exitProblems, r.code)
	golden(t, "verify-json", r.out)
}

func TestRestore(t *testing.T) {
	s := newShell(t)
	out := filepath.Join(s.dir, "out.db")
	golden(t, "restore", s.ok(t, "restore", s.url("rep"), out))
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, s.from.Database(6), got)

	assert.Contains(t, s.fails(t, exitFailed, "restore", s.url("rep"), out), "to replace it: -force")
	golden(t, "restore-json", s.ok(t, "restore", "-json", "-force", "-txid", "0000000000000003", s.url("rep"), out))
	got, err = os.ReadFile(out)
	require.NoError(t, err)
	assert.Equal(t, s.from.Database(3), got)

	for until, want := range map[time.Duration]ltx.TXID{-time.Millisecond: 4, 0: 5, time.Millisecond - 1: 5, time.Millisecond: 5} {
		at := s.from.Time(5).Add(until).UTC().Format(time.RFC3339Nano)
		s.ok(t, "restore", "-force", "-timestamp", at, s.url("rep"), out)
		got, err = os.ReadFile(out)
		require.NoError(t, err)
		assert.Equal(t, s.from.Database(want), got, at)
	}
}

// The time that ls shows of a transaction is that of its state.
func TestRestoreToAShownTime(t *testing.T) {
	s := newShell(t)
	at := places(t)["s3"]("db")
	s.ok(t, "cp", s.url("rep"), at)
	for _, place := range []string{s.url("rep"), at} {
		listing := s.ok(t, "ls", "-metadata", "-level", "0", place)
		assert.Contains(t, listing, "  TIME\n")
		assert.NotContains(t, listing, "STORED")
		for _, line := range strings.Split(listing, "\n")[1:4] {
			fields := strings.Fields(line)
			txid, err := ltx.ParseTXID(fields[2])
			require.NoError(t, err)
			s.ok(t, "restore", "-force", "-timestamp", fields[len(fields)-1], place, "DIR/out.db")
			got, err := os.ReadFile(s.dir + "/out.db")
			require.NoError(t, err)
			assert.Equal(t, s.from.Database(txid), got, line)
		}
	}
	// What S3 lists is when it got the files.
	listing := s.ok(t, "ls", at)
	assert.Contains(t, listing, "  STORED\n")
	assert.Contains(t, strings.ReplaceAll(listing, "\n", " "), "uses: -metadata ")
	assert.Contains(t, s.run(t.Context(), "ls", "-json", at).out, `"stored":true}`)
	assert.Contains(t, s.run(t.Context(), "ls", "-json", "-metadata", at).out, `"stored":false}`)
	assert.NotContains(t, s.ok(t, "ls", s.url("rep")), "STORED", "a disk has the files' own")

	// After a copy that keeps no times a disk does not have them either.
	name := s.dir + "/rep/ltx/0000/0000000000000004-0000000000000004.ltx"
	require.NoError(t, os.Chtimes(name, time.Now(), time.Now()))
	assert.Contains(t, s.ok(t, "ls", s.url("rep")), "  STORED\n")
}

// Who asks for more than there is gets it, and is told.
func TestRestoreAfterTheLast(t *testing.T) {
	s := newShell(t)
	last := s.from.Time(6)
	warned := func(at time.Time) bool {
		r := s.run(t.Context(), "restore", "-force", "-timestamp", at.UTC().Format(time.RFC3339Nano), s.url("rep"), "DIR/out")
		require.Equal(t, exitOK, r.code, r.err)
		return strings.Contains(r.err, "warning: the last transaction in the replica, 0000000000000006 of "+moment(last)+", is before -timestamp\n")
	}
	assert.True(t, warned(last.Add(time.Hour)))
	assert.True(t, warned(last.Add(time.Millisecond)))
	assert.False(t, warned(last.Add(time.Millisecond-1)), "there is nothing shorter")
	assert.False(t, warned(last))
	assert.False(t, warned(s.from.Time(5).Add(time.Millisecond)), "there is a later one")
}

func TestRestoreMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such permissions")
	}
	s := newShell(t)
	for text, want := range map[string]os.FileMode{"0600": 0o600, "640": 0o640, "0777": 0o777, "0444": 0o444} {
		s.ok(t, "restore", "-force", "-mode", text, s.url("rep"), "DIR/out")
		info, err := os.Stat(s.dir + "/out")
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode())
	}
	for _, text := range []string{"", "0", "rw", "0888", "1777", "-1", "0o600x"} {
		assert.Contains(t, s.fails(t, exitUsage, "restore", "-mode", text, s.url("rep"), "DIR/out"), "want permissions in octal, such as 0600", text)
	}
}

// The program stands in for SQLite's: what it finds ends the restore.
func TestRestoreIntegrity(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	s := newShell(t)
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	assert.Contains(t, s.fails(t, exitFailed, "restore", "-integrity", s.url("rep"), "DIR/out"), "needs the sqlite3 program")

	program := func(script string) {
		require.NoError(t, os.WriteFile(filepath.Join(bin, "sqlite3"), []byte("#!/bin/sh\n"+script), 0o755))
	}
	program(`test "$3" = "PRAGMA integrity_check" && test -s "$2" && echo ok`)
	assert.Contains(t, s.ok(t, "restore", "-integrity", s.url("rep"), "DIR/out"), "integrity_check: ok")
	for _, script := range []string{"echo 'row 5 missing from index i'", "echo ok; exit 1", "exit 0"} {
		program(script)
		said := s.fails(t, exitFailed, "restore", "-integrity", s.url("rep"), "DIR/other")
		assert.Contains(t, said, "integrity check of the restored database failed: ")
		assert.NotContains(t, said, "-skip-damaged", "no file is damaged")
		assert.NoFileExists(t, s.dir+"/other")
	}
}

// Bench and check leave nothing, and touch nothing that was there.
func TestScratchIsRemoved(t *testing.T) {
	s := newShell(t)
	before := tree(t, s.dir)
	r := s.ok(t, "bench", "-files", "20", "-large", "64KiB", "-svg", s.dir+"/b.svg", s.url("rep"))
	assert.Contains(t, r, "write 4 KiB, 8 at a time")
	svg, err := os.ReadFile(s.dir + "/b.svg")
	require.NoError(t, err)
	assert.Contains(t, string(svg), "</svg>")
	require.NoError(t, os.Remove(s.dir+"/b.svg"))

	var measures []measure
	require.NoError(t, json.Unmarshal([]byte(s.ok(t, "bench", "-json", "-files", "5", "-large", "64KiB", s.url("new/place"))), &measures))
	assert.Len(t, measures, 8)
	for _, m := range measures {
		assert.Positive(t, m.Count, m.Name)
		assert.LessOrEqual(t, m.P50, m.Max, m.Name)
	}
	require.NoError(t, os.Remove(s.dir+"/new"))

	clauses, rest, _ := strings.Cut(s.ok(t, "check", "-page", "10", "-large", "200KiB", s.url("rep")), "\n\n")
	lines := strings.Split(clauses, "\n")
	assert.Regexp(t, `^CLAUSE +CASES +RESULT$`, lines[0])
	for _, line := range lines[1:] { // the suite knows how many there are
		assert.Regexp(t, `^[WTOLDC][0-9]+ +[1-9][0-9]*  holds$`, line)
	}
	n := len(lines) - 1
	assert.Greater(t, n, 20)
	assert.Equal(t, fmt.Sprintf("writes of a name that must be new (write-once): yes\n%d of %d clauses hold\n", n, n), rest)
	assert.Equal(t, before, tree(t, s.dir))
}

func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	return names
}

// A store that does not keep the contract is exit code 3, with the cases: this one
// takes LTX files alone.
func TestCheckFinds(t *testing.T) {
	s := newShell(t)
	r := s.run(t.Context(), "check", "-only", "write/", "-large", "200KiB", s.url("new")+"?checksum.enabled=true")
	assert.Equal(t, exitProblems, r.code, "%s", r.err)
	assert.Contains(t, r.out, "write/exact: ")
	assert.NoDirExists(t, s.dir+"/new")

	r = s.run(t.Context(), "check", "-json", "-only", "write/exact", s.url("new")+"?checksum.enabled=true")
	var result checked
	require.NoError(t, json.Unmarshal([]byte(r.out), &result))
	require.Len(t, result.Failures, 1)
	assert.Equal(t, "write/exact", result.Failures[0].Case)
	assert.Equal(t, []clause{{"W1", 0, 1}}, result.Clauses)
}

func TestCompletion(t *testing.T) {
	s := newShell(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := s.run(t.Context(), "completion", shell).out
		for _, word := range []string{"restore", "verify", "timestamp", "check", "ltxstore"} {
			assert.Contains(t, script, word, shell)
		}
	}
	assert.Contains(t, s.run(t.Context(), "completion", "bash").out, `config) words="check -json `)
	assert.Contains(t, s.run(t.Context(), "completion", "bash").out, `ls) words="-config `)
	assert.Contains(t, s.run(t.Context(), "completion", "fish").out, "'__fish_seen_subcommand_from config' -a check\n")
}

// Progress is for a person who watches: a line that is taken away at the end.
func TestProgress(t *testing.T) {
	s := newShell(t)
	var steps time.Duration
	begun := time.Now()
	s.now = func() time.Time { steps += time.Second; return begun.Add(steps) }
	s.tty = true
	assert.Contains(t, s.run(t.Context(), "check", "-only", "write/exact", s.url("new")).err, "[....................]   0 %  1 case")
	for _, args := range [][]string{{"verify", s.url("rep")}, {"cp", s.url("rep"), s.url("copy")}, {"restore", s.url("rep"), "DIR/out"}} {
		s.tty = true
		r := s.run(t.Context(), slices.Clone(args)...)
		assert.Equal(t, exitOK, r.code)
		if args[0] == "verify" {
			assert.Contains(t, r.err, "level 0, 0 findings")
			assert.Contains(t, r.err, "what can be restored, 0 findings")
		}
		assert.Contains(t, r.err, "/s", "%v", args)
		assert.True(t, strings.HasSuffix(r.err, "\r\x1b[K"), "%v: %q", args, r.err)
		for _, line := range strings.Split(r.err, "\r\x1b[K") {
			assert.Less(t, utf8.RuneCountInString(line), 80)
		}
		r = s.run(t.Context(), append(append(slices.Clone(args), "-quiet", "-json"), map[bool][]string{true: {"-yes"}}[args[0] == "cp"]...)...)
		assert.Empty(t, strings.ReplaceAll(r.err, "ltxstore restore: DIR/out or its journal already exists; to replace it: -force\n", ""))
		s.tty = false
		s.fails(t, exitUsage, append(slices.Clone(args), "more")...)
	}
}
