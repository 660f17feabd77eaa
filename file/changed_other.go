//go:build !(linux || openbsd || dragonfly || solaris || darwin || freebsd || netbsd || windows)

package file

import (
	"io/fs"
	"time"
)

// changed returns when a file was last modified.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }
