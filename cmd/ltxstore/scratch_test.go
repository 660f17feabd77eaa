package main

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A URL has one replica: those of a mirror would be written to, and emptied, where
// they are.
func TestScratchOfAMirror(t *testing.T) {
	dir := "file://" + t.TempDir()
	for _, query := range []string{"?mirror=file:///other", "?compress=true&mirror.replicas=file:///other", "?mirror.0.path=/other", "?%6dirror=file:///other", "?%zz=1"} {
		_, err := (&app{}).scratch(t.Context(), atURL(dir+query), "check")
		assert.ErrorIs(t, err, fs.ErrInvalid, query)
	}
	for _, query := range []string{"", "?compress=true&write-once=true"} {
		_, err := (&app{}).scratch(t.Context(), atURL(dir+query), "check")
		require.NoError(t, err)
	}
}
