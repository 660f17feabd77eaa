package main

import (
	"context"
	"flag"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUsage(t *testing.T) {
	s := newShell(t)
	for line, want := range map[string]string{
		"lst":                            "unknown command \"lst\": did you mean ls?",
		"frobnicate":                     "unknown command \"frobnicate\"",
		"config":                         "want ltxstore config check FILE",
		"config chek x":                  "want ltxstore config check FILE",
		"ls":                             "want ltxstore ls URL",
		"ls a b":                         `unexpected argument "b"`,
		"ls -levl 1 file://DIR/rep":      "unknown flag -levl: did you mean -level?",
		"ls --frobnicate file://DIR/rep": "unknown flag -frobnicate;",
		"ls nothing?x=1":                 "is not a URL: want one such as s3://bucket/path",
		"ls -level 10000 file://DIR/rep": "-level is 10000: want 0 to 9999",
		"ls -level -2 file://DIR/rep":    "-level is -2: want 0 to 9999",
		"ls -seek 12 file://DIR/rep":     "want 16 hexadecimal digits",
		"ls -seek 0000000000000000 file://DIR/rep":                           "want 16 hexadecimal digits",
		"ls -seek 000000000000000g file://DIR/rep":                           "want 16 hexadecimal digits",
		"cat file://DIR/rep x y":                                             `level is "x": want 0 to 9999`,
		"cat file://DIR/rep 0 y":                                             `file is "y": want MIN-MAX`,
		"cp -level x a b":                                                    "want 0 to 9999",
		"cp -concurrency 0 a b":                                              "-concurrency is 0",
		"verify -concurrency 0 a":                                            "-concurrency is 0",
		"restore -concurrency 0 a b":                                         "-concurrency is 0",
		"restore -timestamp yesterday a b":                                   "want a time such as",
		"restore -txid 0000000000000001 -timestamp 2026-01-31T12:00:00Z a b": "-txid and -timestamp cannot be combined",
		"rm file://DIR/rep":                                                  "want a level and files to delete, or -all",
		"rm -all file://DIR/rep 0 0000000000000001-0000000000000001":         "-all deletes everything",
		"rm -all file://DIR/rep":                                             "cannot ask whether to delete all of file://DIR/rep (layout default): 6 files",
		"bench -files 0 file://DIR/x":                                        "-files is 0",
		"bench -large big file://x":                                          "want a size such as 16MB",
		"completion tcsh":                                                    "want bash, zsh or fish",
		"bench -large 0 file://x":                                            "want a size such as 16MB",
		"version x":                                                          `unexpected argument "x": want ltxstore version;`,
		"help frobnicate":                                                    "unknown command",
		"restore file://DIR/rep s3://b/db":                                   "FILE is the URL s3://b/db: want the path of a file",
		"restore file://DIR/rep s3:/b/db":                                    "FILE is the URL s3:/b/db: want the path of a file",
		"config check gs://b/db":                                             "FILE is the URL gs://b/db: want the path of a file",
		"bench -svg DIR/no/b.svg file://DIR/x":                               "/no/b.svg\": want a file in a directory that exists",
		"bench -svg DIR file://DIR/x":                                        "want a file in a directory that exists",
		"bench -svg file:///x file://DIR/x":                                  "-svg is the URL file:///x: want the path of a file",
		"help ls more":                                                       "unknown command",
		"restore -txid 0 file://x out":                                       "want 16 hexadecimal digits",
	} {
		assert.Contains(t, s.fails(t, exitUsage, strings.Fields(line)...), want, line)
	}
	assert.Contains(t, s.fails(t, exitUsage, "restore", s.url("rep"), ""), "FILE is empty: want the path of a file")
}

func TestFailures(t *testing.T) {
	s := newShell(t)
	for line, want := range map[string]string{
		"ls ftp://x":                                                   "ftp",
		"ls file://DIR/rep?huh=1":                                      "huh",
		"ls s3://bucket?regoin=x":                                      "region",
		"restore file://DIR/rep DIR/no/such/out":                       "directory DIR/no/such does not exist",
		"restore -txid 0000000000000009 file://DIR/rep DIR/out":        "to restore that: -txid 0000000000000006",
		"cat file://DIR/rep 0 0000000000000009-0000000000000009":       "no such file",
		"restore -timestamp 1999-01-01T00:00:00Z file://DIR/rep DIR/o": "no file is that old",
		"config check DIR/none":                                        "no such file",
		"cp file://DIR/rep file://DIR/x?huh=1":                         "huh",
	} {
		assert.Contains(t, s.fails(t, exitFailed, strings.Fields(line)...), want, line)
	}
}

// A store that does not answer fails every command.
func TestUnreachable(t *testing.T) {
	s := newShell(t)
	const at = "s3://bucket/db?access-key-id=AKID&secret-access-key=secret&region=us-east-1&endpoint=http://127.0.0.1:1&retry-max-attempts=1"
	for _, url := range []string{at, at + "&layout=default"} {
		for _, args := range [][]string{{"ls", url}, {"verify", url}, {"restore", url, "DIR/out"}, {"cp", url, s.url("copy")}, {"cp", s.url("rep"), url},
			{"cat", url, "0", "0000000000000001-0000000000000001"}, {"rm", "-all", "-yes", url}, {"rm", "-yes", url, "0", "0000000000000001-0000000000000001"}, {"check", url}, {"bench", url}} {
			r := s.run(t.Context(), slices.Clone(args)...)
			assert.Contains(t, []int{exitFailed, exitProblems}, r.code, "%v: %s", args, r.err)
			assert.Contains(t, strings.Join(strings.Fields(r.out+r.err), " "), "connection refused", "%v", args)
			assert.NoDirExists(t, s.dir+"/copy")
		}
	}
	assert.NotContains(t, s.fails(t, exitFailed, "restore", "-timestamp", "1999-01-01T00:00:00Z", s.url("rep"), "DIR/o"), "to restore that: ", "there is nothing to name")
}

// What is probably meant is told: a folder of the replica, the one above it,
// another layout.
func TestWhereTheFilesAre(t *testing.T) {
	s := newShell(t)
	for url, want := range map[string]string{
		s.url(""):                           "there are some in file://DIR/rep (layout default)\n",
		s.url("rep/below"):                  "there are some in file://DIR/rep (layout default)\n",
		s.url("rep") + "?layout=litestream": "there are some in file://DIR/rep (another layout: default)\n",
		s.url("else/where/entirely/apart"):  "no LTX files in file://DIR/else/where/entirely/apart\n",
	} {
		for _, args := range [][]string{{"ls", url}, {"verify", url}, {"restore", url, "DIR/out"}, {"cp", url, "file://DIR/copy"}} {
			assert.Contains(t, s.fails(t, exitFailed, args...), want, "%v", args)
		}
	}
}

func TestFlagsAnywhere(t *testing.T) {
	s := newShell(t)
	want := s.ok(t, "ls", "-level", "0", s.url("rep"))
	assert.Equal(t, want, s.ok(t, "ls", s.url("rep"), "-level", "0"))
	assert.Equal(t, want, s.ok(t, "ls", s.url("rep"), "--level=0"))
	assert.Equal(t, want, s.ok(t, "ls", "-level=0", "--", s.url("rep")))
	assert.Equal(t, want, s.ok(t, "ls", "-quiet", s.url("rep"), "-level", "0"))
	assert.Contains(t, s.fails(t, exitUsage, "ls", "-quiet", "--", "DIR/rep", "-level"), `unexpected argument "-level"`)
	for _, args := range [][]string{{"restore", "-concurrency", "1", s.url("rep"), "DIR/one"}, {"cp", "-concurrency", "1", s.url("rep"), s.url("two")},
		{"verify", "-concurrency", "1", s.url("rep")}, {"bench", "-concurrency", "1", "-files", "1", "-large", "1", s.url("x")}} {
		s.ok(t, args...)
	}
}

func TestVersion(t *testing.T) {
	assert.Equal(t, "(devel)", version(nil, false))
	assert.Equal(t, "(devel)", version(new(debug.BuildInfo), true))
	assert.Equal(t, "v1.2.3", version(&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, true))
}

func TestHelp(t *testing.T) {
	s := newShell(t)
	overview := s.ok(t)
	assert.Equal(t, overview, s.ok(t, "help"))
	assert.Equal(t, overview, s.ok(t, "-h"))
	for _, cmd := range commands() {
		assert.Contains(t, overview, cmd.name+" ")
		text := s.ok(t, append([]string{"help"}, strings.Fields(cmd.name)...)...)
		assert.Equal(t, text, s.ok(t, append(strings.Fields(cmd.name), "-h")...))
		assert.NotEmpty(t, cmd.examples, cmd.name)
		for _, f := range cmd.flags() {
			assert.Contains(t, text, "  -"+f.Name)
		}
	}
	assert.Contains(t, s.ok(t, "version"), "ltxstore ")
	assert.Equal(t, s.ok(t, "version"), s.ok(t, "--version"))
}

// An example works when it is pasted: its flags and arguments are right.
func TestExamplesParse(t *testing.T) {
	for _, cmd := range commands() {
		for _, example := range cmd.examples {
			line, _, _ := strings.Cut(example, " | ")
			line, _, _ = strings.Cut(line, " >")
			line = strings.TrimSuffix(strings.TrimPrefix(strings.ReplaceAll(line, "'", ""), "source <("), ")")
			args := strings.Fields(line)
			require.Equal(t, "ltxstore", args[0], example)
			found, rest, err := find(args[1:])
			require.NoError(t, err, example)
			require.Equal(t, cmd.name, found.name, example)
			flags := flag.NewFlagSet("", flag.ContinueOnError)
			found.bind(flags)
			new(app).common(flags, found)
			rest, err = parse(flags, rest)
			require.NoError(t, err, example)
			assert.GreaterOrEqual(t, len(rest), found.min, example)
			assert.True(t, found.max < 0 || len(rest) <= found.max, example)
		}
	}
}

// docs/command.md is the help of all commands.
func TestDocument(t *testing.T) {
	const name = "../../docs/command.md"
	var text strings.Builder
	text.WriteString("# The command\n\n<!-- written by: go test ./cmd/ltxstore -run TestDocument -update -->\n\n" +
		"    go install github.com/ltxstore/ltxstore/cmd/ltxstore@latest\n\n```text\n")
	a := &app{out: &text, width: 80}
	a.overview()
	text.WriteString("```\n")
	for _, cmd := range commands() {
		text.WriteString("\n## " + cmd.name + "\n\n```text\n" + cmd.text(80) + "```\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(text.String()), 0o644))
	}
	written, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, text.String(), string(written))
}

func TestNoSecretIsShown(t *testing.T) {
	const secret = "hunter2hunter2"
	s := newShell(t)
	for _, url := range []string{
		"s3://bucket/db?access-key-id=AKID&secret-access-key=" + secret + "&endpoint=http://127.0.0.1:1&retry-max-attempts=1",
		"s3://AKID:" + secret + "@bucket/db?endpoint=http://127.0.0.1:1&retry-max-attempts=1",
		"s3://bucket/db?secret-access-kye=" + secret,
		"s3:/bucket?secret-access-key=" + secret,
		"file://DIR/none?crypt.identities=" + secret,
	} {
		for _, args := range [][]string{{"ls", url}, {"-v", "ls", url}, {"ls", "-v", url}, {"verify", url}, {"rm", "-all", url}, {"cat", url, "0", "0000000000000001-0000000000000001"},
			{"cp", url, url}, {"restore", url, "DIR/out"}, {"check", url}, {"bench", url}} {
			r := s.run(t.Context(), slices.Clone(args)...)
			assert.NotEqual(t, exitOK, r.code, "%v", args)
			assert.NotContains(t, r.out+r.err, secret, "%v", args)
		}
	}
}

func TestInterrupted(t *testing.T) {
	s := newShell(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"ls", s.url("rep")}, {"verify", s.url("rep")}, {"restore", s.url("rep"), "DIR/out"},
		{"cp", s.url("rep"), s.url("copy")}, {"rm", "-all", "-yes", s.url("rep")}, {"bench", s.url("scratch")}, {"check", s.url("scratch")}} {
		r := s.run(ctx, args...)
		assert.Equal(t, exitInterrupted, r.code, "%v: %s", args, r.err)
		assert.Contains(t, r.err, "interrupted", "%v", args)
		assert.Equal(t, 1, strings.Count(r.err, "\n"), "%v: %q", args, r.err)
	}
	assert.Equal(t, exitFailed, s.run(ctx, "ls", "ftp://x").code, "that was wrong before")
	assert.NoFileExists(t, s.dir+"/out")
	assert.NoDirExists(t, s.dir+"/scratch")
	assert.Contains(t, s.ok(t, "ls", s.url("rep")), "6 files", "all are there")
}

// What a flag does stands beside it if there is room.
func TestHelpOfLongFlags(t *testing.T) {
	for name, want := range map[string]string{strings.Repeat("x", 17): "  -" + strings.Repeat("x", 17) + " what it does\n",
		strings.Repeat("x", 18): "  -" + strings.Repeat("x", 18) + "\n" + strings.Repeat(" ", 21) + "what it does\n"} {
		cmd := &command{name: "any", bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			flags.Bool(name, false, "what it does")
			return nil
		}}
		assert.Contains(t, cmd.text(80), want)
	}
}
