package file

import (
	"io/fs"
	"syscall"
	"time"
)

// changed returns when something was last done to a file: the later of its
// modification, which a writer sets into the past just before it renames its
// temporary, and its creation.
func changed(info fs.FileInfo) time.Time {
	modified := info.ModTime()
	if data, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		if created := time.Unix(0, data.CreationTime.Nanoseconds()); created.After(modified) {
			return created
		}
	}
	return modified
}
