//go:build linux || openbsd || dragonfly || solaris

package file

import (
	"io/fs"
	"syscall"
	"time"
)

// changed returns when something was last done to a file. It is the inode's
// change time, because a writer sets the modification time of its temporary
// into the past just before it is renamed.
func changed(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(stat.Ctim.Sec), int64(stat.Ctim.Nsec))
	}
	return info.ModTime()
}
