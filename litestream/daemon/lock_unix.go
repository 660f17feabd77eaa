//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package daemon

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// tryLock locks a directory until it is closed. If the file system has no locks, it
// does nothing.
func tryLock(dir *os.File) error {
	if errors.Is(syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return errLocked
	}
	return nil
}

// giveTo changes the owner of a directory to that of another, if permitted.
func giveTo(path string, like fs.FileInfo) {
	if stat, ok := like.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(path, int(stat.Uid), int(stat.Gid))
	}
}
