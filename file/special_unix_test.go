//go:build unix

package file

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// makeSpecial makes a named pipe, which blocks whoever opens it.
func makeSpecial(t *testing.T, path string) (why string) {
	require.NoError(t, syscall.Mkfifo(path, 0o644))
	return "a special file"
}
