package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// fsys has all operations on the disk, so that tests can record their order, make
// each of them fail, and replace a file between two of them. A name is relative to
// dir. No operation blocks if something else, such as a named pipe, has the name of
// a file or directory.
type fsys interface {
	lstat(dir *os.Root, name string) (fs.FileInfo, error)
	open(dir *os.Root, name string) (*os.File, error)     // for reading
	openDir(dir *os.Root, name string) (*os.File, error)  // to list or fsync it
	openRoot(dir *os.Root, name string) (*os.Root, error) // dir is nil for a path
	eachName(ctx context.Context, dir *os.File, visit func(name string)) error

	mkdir(dir *os.Root, name string, mode fs.FileMode) error
	create(dir *os.Root, name string, mode fs.FileMode) (*os.File, error)
	write(f *os.File, p []byte) (int, error)
	readFrom(f *os.File, src *io.LimitedReader) (int64, error)
	setTime(dir *os.Root, name string, f *os.File, t time.Time) error
	sync(f *os.File) error
	close(f *os.File) error
	rename(dir *os.Root, from, to string) error
	link(dir *os.Root, from, to string) error
	remove(dir *os.Root, name string) error
	syncDir(dir *os.File) error
}

// osFS is the real disk. It has no fields, so that converting it to fsys does not
// allocate.
type osFS struct{}

func (osFS) lstat(dir *os.Root, name string) (fs.FileInfo, error) { return dir.Lstat(name) }

func (osFS) open(dir *os.Root, name string) (*os.File, error) {
	return dir.OpenFile(name, os.O_RDONLY|nonblock, 0)
}

// Because of the slash, the kernel refuses anything but a directory. Otherwise,
// opening a named pipe would block.

func (osFS) openDir(dir *os.Root, name string) (*os.File, error) { return dir.Open(name + "/") }

func (osFS) openRoot(dir *os.Root, name string) (*os.Root, error) {
	if dir == nil {
		return os.OpenRoot(name + string(filepath.Separator))
	}
	return dir.OpenRoot(name + "/")
}

func (osFS) eachName(ctx context.Context, dir *os.File, visit func(name string)) error {
	return eachName(ctx, dir, visit)
}

func (osFS) mkdir(dir *os.Root, name string, mode fs.FileMode) error { return dir.Mkdir(name, mode) }

func (osFS) create(dir *os.Root, name string, mode fs.FileMode) (*os.File, error) {
	return dir.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
}

func (osFS) write(f *os.File, p []byte) (int, error)                   { return f.Write(p) }
func (osFS) readFrom(f *os.File, src *io.LimitedReader) (int64, error) { return f.ReadFrom(src) }

func (osFS) setTime(dir *os.Root, name string, f *os.File, t time.Time) error {
	return setModTime(dir, name, f, t)
}

func (osFS) sync(f *os.File) error                      { return f.Sync() }
func (osFS) close(f *os.File) error                     { return f.Close() }
func (osFS) rename(dir *os.Root, from, to string) error { return dir.Rename(from, to) }
func (osFS) link(dir *os.Root, from, to string) error   { return dir.Link(from, to) }
func (osFS) remove(dir *os.Root, name string) error     { return dir.Remove(name) }
func (osFS) syncDir(dir *os.File) error                 { return syncDir(dir) }

// refusesDirSync reports whether err means that the file system cannot fsync
// directories. Errors of the disk itself are different ones.
func refusesDirSync(err error) bool {
	return isAny(err, errors.ErrUnsupported, syscall.EINVAL, syscall.EBADF, syscall.ENOTTY)
}
