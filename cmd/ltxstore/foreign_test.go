package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// A replica that is opened without its wrapper is not called damaged and no more.
func TestForeignFiles(t *testing.T) {
	s := newShell(t)
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	recipient := "crypt.recipients=" + identity.Recipient().String()
	s.ok(t, "cp", s.url("rep"), s.url("secret")+"?"+recipient)
	s.ok(t, "cp", s.url("rep"), s.url("small")+"?compress=true")
	s.ok(t, "cp", s.url("rep"), s.url("both")+"?compress=true&"+recipient)
	key := "?crypt.identities=" + identity.String()
	for url, want := range map[string]string{
		s.url("secret"):                    "the files are encrypted with age: to read them, set crypt.identities=… with the secret key in the URL",
		s.url("secret") + "?compress=true": "the files are encrypted with age",
		s.url("small"):                     "the files are compressed with zstd: to read them, set compress=true in the URL",
		s.url("both"):                      "the files are encrypted with age",
		s.url("both") + key:                "the files are compressed with zstd",
	} {
		for _, args := range [][]string{{"restore", url, "DIR/out"}, {"restore", "-skip-damaged", url, "DIR/out"}} {
			assert.Contains(t, s.fails(t, exitFailed, args...), want, args)
		}
		r := s.run(t.Context(), "verify", url)
		assert.Equal(t, exitProblems, r.code, url)
		assert.Contains(t, r.err, want, url)
	}
	s.ok(t, "restore", s.url("both")+key+"&compress=true", "DIR/out")
	assert.Empty(t, s.run(t.Context(), "verify", s.url("both")+key+"&compress=true").err)

	// What is damaged is that.
	names, err := filepath.Glob(filepath.Join(s.dir, "small/ltx/*/*.ltx"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		body[len(body)/2] ^= 1
		require.NoError(t, os.WriteFile(name, body, 0o644))
	}
	assert.NotContains(t, s.fails(t, exitFailed, "restore", s.url("small")+"?compress=true", "DIR/other"), "the files are")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "rep/ltx/0000/0000000000000004-0000000000000004.ltx"), s.from.File(4, 4)[:150], 0o644))
	assert.Empty(t, s.run(t.Context(), "verify", s.url("rep")).err)
	assert.NotContains(t, s.run(t.Context(), "restore", s.url("rep"), "DIR/other").err, "the files are")

	// Where nothing makes up for it there is nothing to restore.
	put(t, s.url("one"), "default", 0)
	only := filepath.Join(s.dir, "one/ltx/0000/0000000000000001-0000000000000001.ltx")
	body, err := os.ReadFile(only)
	require.NoError(t, err)
	body[len(body)-1] ^= 1
	require.NoError(t, os.WriteFile(only, body, 0o644))
	assert.Contains(t, s.fails(t, exitFailed, "restore", s.url("one"), "DIR/one.db"), "; to restore what the other files contain: -skip-damaged\n")
	assert.NotContains(t, s.fails(t, exitFailed, "restore", "-skip-damaged", s.url("one"), "DIR/one.db"), "; to restore what")
	assert.NoFileExists(t, s.dir+"/one.db")
}

func TestDescribe(t *testing.T) {
	for head, want := range map[string]string{
		"":                              "",
		"LTX1":                          "",
		"x":                             "",
		"\x00\x00\x00\x00":              "zeros",
		"\x00\x00\x00\x01":              "",
		"age-encryption.org/v1\n":       "crypt.identities",
		"-----BEGIN AGE ENCRYPTED FILE": "in text form",
		"\x28\xb5\x2f\xfd\x00":          "by another program",
		"P*M\x18\x04\x00\x00\x00\x01":   "compress=true",
		"\x04\x22\x4d\x18":              "LZ4",
		"\x1f\x8b\x08":                  "gzip",
		"SQLite format 3\x00":           "SQLite",
		"\xef\xbb\xbf\r\n <html>":       "HTML",
		"<?xml":                         "XML",
	} {
		if got := describe([]byte(head)); want == "" {
			assert.Empty(t, got, "%q", head)
		} else {
			assert.Contains(t, got, want, "%q", head)
		}
	}
}

// What is wrong with a setting comes without who has found it, and with no name of Go.
// A file of which no time can be read is listed with that of the store.
func TestLsWithoutHeader(t *testing.T) {
	s := newShell(t)
	name := s.dir + "/odd/ltx/0000"
	require.NoError(t, os.MkdirAll(name, 0o755))
	require.NoError(t, os.WriteFile(name+"/0000000000000001-0000000000000001.ltx", []byte("<html>"), 0o644))
	out := s.ok(t, "ls", s.url("odd"))
	assert.Contains(t, out, "1 file, 6 B")
	assert.Contains(t, out, "  STORED\n")
}

func TestMessages(t *testing.T) {
	s := newShell(t)
	for url, want := range map[string]string{
		"ftp://x":                              `ltxstore ls: no backend is registered for the scheme "ftp"`,
		"s3://b?part-size=1":                   `ltxstore ls: part-size in the URL is "1": want`,
		"s3://b?regoin=x":                      "ltxstore ls: unknown setting \"regoin\" in the URL",
		"file:///x?crypt.recipients=no":        "ltxstore ls: crypt.recipients in the URL ",
		"file:///x?crypt.enabled=true":         "ltxstore ls: crypt.recipients is missing",
		"file:///x?compress.level=99":          "ltxstore ls: compress.level in the URL ",
		"file://DIR/rep?cache.dir=/dev/null/x": "ltxstore ls: Dir: invalid argument: mkdir /dev/null: ",
		"file:///x?layout=none":                "ltxstore ls: layout in the URL ",
		"file://DIR/none?must-exist=true":      "ltxstore ls: file: init: store not found: ",
	} {
		r := s.run(t.Context(), "ls", url)
		assert.Contains(t, r.err, want, url)
		assert.NotContains(t, r.err, "invalid argument: invalid argument", url)
	}
	file := s.dir + "/a.yml"
	for text, want := range map[string]string{
		"": "a.yml: the configuration is empty\n",
		"dbs:\n  - path: /a\n    replicas:\n      - url: s3://bucket/a\n        part-size: 1\n": `a.yml: config: replica at line 4, column 9: part-size (line 5, column 9) is "1": want`,
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		assert.Contains(t, s.fails(t, exitProblems, "config", "check", file), want)
	}
	denied := &ltxstore.Error{Op: "list", Backend: "file", Kind: fs.ErrPermission, Err: &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}}
	assert.Equal(t, "; check this user's permissions", advice(denied))
	denied.Err = syscall.EACCES // as a disk's system call has it
	assert.Equal(t, "; check this user's permissions", advice(denied))
	assert.Contains(t, advice(fs.ErrPermission), "check the credentials")
	assert.Contains(t, advice(&ltxstore.Error{Op: "list", Backend: "s3", Kind: fs.ErrPermission}), "check the credentials")
	assert.Empty(t, advice(fmt.Errorf("no credentials found: %w", fs.ErrPermission)), "it says so itself")
	assert.Empty(t, advice(fmt.Errorf("the replica is read-only to this client: %w", fs.ErrPermission)))
	assert.Contains(t, advice(ltxstore.ErrStoreNotFound), "check the name")
	assert.Contains(t, advice(ltxstore.ErrThrottled), "try again later")
	assert.Contains(t, advice(ltxstore.ErrUnavailable), "try again later")
	assert.Empty(t, advice(errors.New("x")))
	assert.Equal(t, "x", message(errors.New("x...")))
}
