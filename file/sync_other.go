//go:build !windows

package file

import "os"

func syncDir(dir *os.File) error { return dir.Sync() }
