package file

import (
	"io/fs"
	"syscall"
	"time"
)

// changed returns the later of a file's creation and modification. A writer sets the
// modification time of its temporary file to one in the past just before the rename.
func changed(info fs.FileInfo) time.Time {
	modified := info.ModTime()
	if data, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		if created := time.Unix(0, data.CreationTime.Nanoseconds()); created.After(modified) {
			return created
		}
	}
	return modified
}
