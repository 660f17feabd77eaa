package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A damaged file is named and left out, and copied with -damaged.
func TestCpDamaged(t *testing.T) {
	s := newShell(t)
	s.ok(t, "cp", s.url("rep"), s.url("bad"))
	name := filepath.Join("ltx", "0000", "0000000000000005-0000000000000005.ltx")
	bad := filepath.Join(s.dir, "bad", name)
	body, err := os.ReadFile(bad)
	require.NoError(t, err)
	body[len(body)-1] ^= 1
	require.NoError(t, os.WriteFile(bad, body, 0o644))

	r := s.run(t.Context(), "cp", s.url("bad"), s.url("copy"))
	assert.Equal(t, exitFailed, r.code)
	assert.Regexp(t, `damaged +1`, r.out)
	assert.Contains(t, r.out, "0000000000000005-0000000000000005")
	assert.Contains(t, r.err, "1 file damaged in the source and skipped, see above; to copy them too: -damaged")
	assert.NoFileExists(t, filepath.Join(s.dir, "copy", name))

	s.ok(t, "cp", "-damaged", s.url("bad"), s.url("copy"))
	copied, err := os.ReadFile(filepath.Join(s.dir, "copy", name))
	require.NoError(t, err)
	assert.Equal(t, body, copied)
}
