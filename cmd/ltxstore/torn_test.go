package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/verify"
)

// A file of no bytes is not listed, and told; it can be deleted by its name.
func TestTornFiles(t *testing.T) {
	s := newShell(t)
	assert.Empty(t, s.run(t.Context(), "ls", s.url("rep")).err)
	const name = "0000000000000007-0000000000000007"
	require.NoError(t, os.WriteFile(s.dir+"/rep/ltx/0000/"+name+".ltx", nil, 0o644))
	r := s.run(t.Context(), "ls", s.url("rep"))
	assert.Equal(t, exitOK, r.code)
	assert.Contains(t, r.out, "6 files")
	assert.Equal(t, "ltxstore ls: warning: 1 file without content, left by interrupted uploads, such as level 0 "+name+": see ltxstore verify\n", r.err)
	r = s.run(t.Context(), "restore", s.url("rep"), "DIR/out")
	assert.Equal(t, exitOK, r.code)
	assert.Equal(t, "ltxstore restore: warning: level 0 "+name+" was skipped: it is empty after an incomplete upload; transactions may be missing\n", r.err)
	assert.Contains(t, s.run(t.Context(), "restore", "-force", "-json", s.url("rep"), "DIR/out").out, `"left_out": [`)
	for _, other := range []string{"0000000000000007-0000000000000008", "0000000000000006-0000000000000007"} {
		assert.Contains(t, s.fails(t, exitFailed, "rm", "-yes", s.url("rep"), "0", other), "not found", other)
	}
	assert.Contains(t, s.fails(t, exitFailed, "rm", "-yes", s.url("rep"), "2", name), "not found")
	assert.Contains(t, s.ok(t, "rm", "-yes", s.url("rep"), "0", name), "deleted 1 file ")
	assert.Empty(t, s.run(t.Context(), "ls", s.url("rep")).err)
	assert.Contains(t, s.fails(t, exitFailed, "rm", "-yes", s.url("rep"), "0", name), "not found")
}

// What verify says can be restored is restored with the flags that it names.
func TestSkipDamaged(t *testing.T) {
	s := newShell(t)
	require.NoError(t, os.Truncate(s.dir+"/rep/snapshots/0000000000000001-0000000000000002.ltx", 700))
	require.NoError(t, os.Truncate(s.dir+"/rep/ltx/0001/0000000000000001-0000000000000003.ltx", 700))
	require.NoError(t, os.WriteFile(s.dir+"/rep/ltx/0001/0000000000000001-0000000000000004.ltx", s.from.File(1, 4), 0o644))
	assert.NotContains(t, s.run(t.Context(), "verify", s.url("rep")).out, "to restore that", "what is damaged is not needed")

	require.NoError(t, os.Truncate(s.dir+"/rep/ltx/0000/0000000000000006-0000000000000006.ltx", 700))
	r := s.run(t.Context(), "verify", s.url("rep"))
	assert.Equal(t, exitProblems, r.code)
	assert.Contains(t, r.out, "can be restored to transaction 0000000000000005 of 2024-01-02T03:04:10.000Z\nto restore that: -skip-damaged\n")
	assert.Contains(t, s.fails(t, exitFailed, "restore", s.url("rep"), "DIR/out"), "; to restore what the other files contain: -skip-damaged")
	assert.NoFileExists(t, s.dir+"/out")
	r = s.run(t.Context(), "restore", "-skip-damaged", s.url("rep"), "DIR/out")
	assert.Equal(t, exitOK, r.code)
	assert.Contains(t, r.err, "level 0 0000000000000006-0000000000000006 was skipped: ")
	got, err := os.ReadFile(s.dir + "/out")
	require.NoError(t, err)
	assert.Equal(t, s.from.Database(5), got)
}

// A report of a part says so, and draws no conclusion.
func TestVerifyInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := newShell(t).run(ctx, "verify", "file://DIR/rep?layout=default")
	assert.NotEqual(t, exitOK, r.code)
	assert.NotContains(t, r.out, "nothing can be restored")

	var out bytes.Buffer
	a := &app{out: &out, width: 80}
	a.verified(&verify.Report{Unchecked: []int{0, 1, 9}, RestoreUnknown: true})
	assert.Contains(t, out.String(), "not checked completely: levels 0, 1, 9\nit is unknown what can be restored\n")
	out.Reset()
	a.verified(&verify.Report{Unchecked: []int{9}, RestoreUnknown: true})
	assert.Contains(t, out.String(), "not checked completely: level 9\n")
	out.Reset()
	a.verified(&verify.Report{Restore: &verify.State{TXID: 5, SkipDamaged: true, ByTXID: true}})
	assert.Contains(t, out.String(), "\nto restore that: -txid 0000000000000005 -skip-damaged\n")
}
