//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// giveAway gives what was made to the owner and the group of its model. Most
// processes may not, and need not.
func giveAway(model fs.FileInfo, chown func(uid, gid int) error) {
	if model == nil {
		return
	}
	if stat, ok := model.Sys().(*syscall.Stat_t); ok {
		_ = chown(int(stat.Uid), int(stat.Gid))
	}
}
