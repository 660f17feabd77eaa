//go:build unix

package restore

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner sets the owner and the group of a new file to those of the old
// one.
func keepOwner(file *os.File, old fs.FileInfo) error {
	now, err := file.Stat()
	if err != nil {
		return err
	}
	want, ok := old.Sys().(*syscall.Stat_t)
	has, known := now.Sys().(*syscall.Stat_t)
	if !ok || !known || want.Uid == has.Uid && want.Gid == has.Gid {
		return nil
	}
	if err := file.Chown(int(want.Uid), int(want.Gid)); err != nil {
		return fmt.Errorf("cannot change the owner to that of the replaced database, user %d and group %d: restore as that user, or remove it first: %w",
			want.Uid, want.Gid, err)
	}
	return nil
}
