//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package servers

import (
	"errors"
	"os"
	"syscall"
)

// lock returns when this process alone holds the lock file. The system frees
// the lock of a process that dies, so that no stale one is ever in the way.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
	}
}
