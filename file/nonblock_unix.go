//go:build unix

package file

import "syscall"

// nonblock keeps open(2) from waiting for a writer of a named pipe, or for a
// device. A regular file does not know it.
const nonblock = syscall.O_NONBLOCK
