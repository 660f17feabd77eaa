//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package restore

import (
	"errors"
	"os"
	"syscall"
)

// openNonblock prevents the opening of a FIFO from blocking.
const openNonblock = syscall.O_NONBLOCK

// tryLock locks a file until it is closed. known is false if the file system
// does not support locks.
func tryLock(file *os.File) (locked, known bool) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return err == nil, err == nil || errors.Is(err, syscall.EWOULDBLOCK)
}
