package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	assert.Equal(t, "ltxstore ls: warning: 1 file of no bytes, which broken uploads have left, such as level 0 "+name+": see ltxstore verify\n", r.err)
	r = s.run(t.Context(), "restore", s.url("rep"), "DIR/out")
	assert.Equal(t, exitOK, r.code)
	assert.Equal(t, "ltxstore restore: warning: level 0 "+name+" was left out: it has no bytes, its upload broke off; transactions may be missing\n", r.err)
	assert.Contains(t, s.run(t.Context(), "restore", "-force", "-json", s.url("rep"), "DIR/out").out, `"left_out": [`)
	assert.Contains(t, s.ok(t, "rm", "-yes", s.url("rep"), "0", name), "deleted 1 file ")
	assert.Empty(t, s.run(t.Context(), "ls", s.url("rep")).err)
	assert.Contains(t, s.fails(t, exitFailed, "rm", "-yes", s.url("rep"), "0", name), "not there")
}
