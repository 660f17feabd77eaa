//go:build darwin || freebsd || netbsd

package file

import (
	"io/fs"
	"syscall"
	"time"
)

// changed returns when a file was last changed in any way. It is the inode's change
// time, because a writer sets the modification time of its temporary file to one in
// the past just before the rename.
func changed(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(stat.Ctimespec.Sec), int64(stat.Ctimespec.Nsec))
	}
	return info.ModTime()
}
