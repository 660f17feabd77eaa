//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package restore

import (
	"errors"
	"os"
	"syscall"
)

// openNonblock keeps the opening of a FIFO from waiting.
const openNonblock = syscall.O_NONBLOCK

// tryLock locks a file as long as it is open. known is false where the file system
// has no locks.
func tryLock(file *os.File) (locked, known bool) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return err == nil, err == nil || errors.Is(err, syscall.EWOULDBLOCK)
}
