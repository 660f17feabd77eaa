package file

import (
	"os"
	"syscall"
	"time"
)

// syncDir does nothing: Windows has no fsync of a directory, and NTFS keeps
// its metadata in a journal.
func syncDir(*os.File) error { return nil }

// setModTime uses the handle that wrote the file. A time set through another handle
// could be overwritten when that one is closed.
func setModTime(_ *os.Root, _ string, f *os.File, t time.Time) error {
	modified := syscall.NsecToFiletime(t.UnixNano())
	if err := syscall.SetFileTime(syscall.Handle(f.Fd()), nil, nil, &modified); err != nil {
		return os.NewSyscallError("SetFileTime", err)
	}
	return nil
}
