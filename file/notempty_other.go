//go:build !windows

package file

import (
	"errors"
	"syscall"
)

// isNotEmpty reports whether a directory could not be removed because it has entries.
func isNotEmpty(err error) bool { return errors.Is(err, syscall.ENOTEMPTY) }
