//go:build !windows && !linux

package file

import (
	"os"
	"time"
)

func setModTime(dir *os.Root, name string, _ *os.File, t time.Time) error {
	return dir.Chtimes(name, time.Time{}, t)
}
