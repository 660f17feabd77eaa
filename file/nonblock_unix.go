//go:build unix

package file

import "syscall"

// nonblock keeps open(2) from waiting for a device or the writer of a named pipe. It
// has no effect on regular files.
const nonblock = syscall.O_NONBLOCK
