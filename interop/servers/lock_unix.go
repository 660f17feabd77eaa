//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package servers

import (
	"errors"
	"os"
	"syscall"
)

// lock returns when this process has locked the file. The system releases the
// lock when a process dies, so that there are no stale ones.
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
