package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// output is the file of the database, a temporary until it is renamed.
type output struct {
	path      string
	overwrite bool
	mode      fs.FileMode
	disk      disk

	old  fs.FileInfo // of the database that is replaced, or nil
	file *os.File
	temp string // empty if there is none
}

// disk is the calls to the file system that tests replace to fail or to
// simulate a kill.
type disk struct {
	lock         func(*os.File) (locked, known bool)
	keepOwner    func(file *os.File, old fs.FileInfo) error
	sync         func(*os.File) error
	rename, link func(from, to string) error
	remove       func(name string) error
	syncDir      func(name string) error
}

func newOutput(path string, cfg Config) *output {
	return &output{path: path, overwrite: cfg.Overwrite, mode: cfg.Mode,
		disk: disk{lock: tryLock, keepOwner: keepOwner, sync: (*os.File).Sync,
			rename: os.Rename, link: os.Link, remove: os.Remove, syncDir: syncDir}}
}

// beside are the suffixes of the files that SQLite keeps next to a database.
var beside = [...]string{"-wal", "-shm", "-journal"}

// prepare removes what killed restores left behind, and calls vacant.
func (o *output) prepare() error {
	if err := o.vacant(); errors.Is(err, fs.ErrInvalid) {
		return err
	}
	if err := sweep(o.path); err != nil {
		return err
	}
	return o.vacant()
}

// vacant returns an error unless the path may be written. With overwrite, it may be
// an existing file.
func (o *output) vacant() error {
	if o.path == "" {
		return fmt.Errorf("path is empty: want the path of the database: %w", fs.ErrInvalid)
	}
	dir := filepath.Dir(o.path)
	if stat, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !stat.IsDir() {
		// Not fs.ErrNotExist: a caller must not mistake a missing directory for an
		// empty replica.
		return fmt.Errorf("directory %s does not exist: %w", dir, fs.ErrInvalid)
	}
	if o.overwrite {
		stat, err := os.Lstat(o.path)
		if err == nil && !stat.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file: want a database, or a new path: %w", o.path, fs.ErrInvalid)
		}
		if o.old = nil; err == nil {
			o.old = stat
		}
		return ignore(err, fs.ErrNotExist)
	}
	for _, suffix := range append([]string{""}, beside[:]...) {
		_, err := os.Lstat(o.path + suffix)
		if err == nil {
			return fmt.Errorf("%s exists: want a new path, or Overwrite: %w", o.path+suffix, fs.ErrExist)
		}
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// create creates the temporary, which only its owner can read at first. It sets its
// owner to that of the replaced database before anything is read.
func (o *output) create() (err error) {
	if o.file, o.temp, err = createTemp(o.path, o.disk.lock); err != nil {
		return err
	}
	if o.old == nil {
		return nil
	}
	if err := o.disk.keepOwner(o.file, o.old); err != nil {
		o.remove()
		return err
	}
	return nil
}

// remove removes the temporary, unless it has become the database.
func (o *output) remove() {
	if o.temp == "" {
		return
	}
	if runtime.GOOS == "windows" { // which cannot remove open files
		o.file.Close()
	}
	_ = os.Remove(o.temp) // otherwise the next restore removes it
	o.file.Close()        // possibly for the second time; the lock was held until now
	o.temp = ""
}

// sync makes the temporary durable.
func (o *output) sync() error {
	mode := fs.FileMode(defaultMode)
	if o.old != nil {
		mode = o.old.Mode().Perm()
	}
	err := o.file.Chmod(cmp.Or(o.mode, mode))
	if err == nil || runtime.GOOS == "windows" {
		err = o.disk.sync(o.file)
	}
	if runtime.GOOS == "windows" { // which cannot rename open files
		err = errors.Join(err, o.file.Close())
	}
	return err
}

// defaultMode is the mode of databases that Litestream restores.
const defaultMode = 0o644

func (o *output) check(ctx context.Context, check func(context.Context, string) error) error {
	defer o.clean(o.temp)
	if err := check(ctx, o.temp); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

// clean removes the files that SQLite keeps for a database.
func (o *output) clean(path string) {
	for _, suffix := range beside {
		_ = os.Remove(path + suffix) // if it stays, the next restore removes it
	}
}

// publish renames the temporary to the database.
func (o *output) publish() error {
	if err := o.vacant(); err != nil {
		return err
	}
	if o.overwrite {
		return o.replace()
	}
	if err := o.link(); err != nil {
		return err
	}
	return o.disk.syncDir(filepath.Dir(o.path))
}

// replace renames the temporary to the old database. The files that SQLite
// keeps for the old one may hold committed transactions, and must never be
// combined with the new one. They are first set aside durably, put back if
// the rename fails, and removed when the new database is durable. If the
// process dies in between, the next restore puts them back; see sweep.
func (o *output) replace() error {
	dir := filepath.Dir(o.path)
	moved, err := o.setAside()
	if err == nil && len(moved) > 0 {
		err = o.disk.syncDir(dir)
	}
	if err == nil {
		err = o.disk.rename(o.temp, o.path)
	}
	if err != nil {
		if errors.Is(err, syscall.EBUSY) {
			err = fmt.Errorf("%s cannot be replaced; if it is a mount, mount its directory instead: %w", o.path, err)
		}
		return errors.Join(err, o.putBack(moved))
	}
	temp := o.temp
	o.published()
	if err := o.disk.syncDir(dir); err != nil {
		return err // after a crash, the old database may be back and needs its log
	}
	for _, suffix := range moved {
		_ = o.disk.remove(asideName(temp, suffix)) // if it stays, the next restore removes it
	}
	return nil
}

// published forgets the temporary, which is now the database.
func (o *output) published() {
	o.file.Close()
	o.temp = ""
}

// link renames the temporary without ever replacing a file. If the file system has no
// hard links, it checks that the name is free and then renames.
func (o *output) link() error {
	err := o.disk.link(o.temp, o.path)
	switch {
	case err == nil:
		o.remove()
		return nil
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EPERM):
		if err := o.disk.rename(o.temp, o.path); err != nil {
			return err
		}
		o.published()
		return nil
	}
	return err
}

// syncDir makes a new name durable. It does nothing on Windows, and on file systems
// that cannot fsync directories.
func syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unlessRefused(dir.Sync())
}

// unlessRefused returns nil if a file system cannot fsync directories.
func unlessRefused(err error) error {
	for _, refused := range []error{errors.ErrUnsupported, syscall.EINVAL, syscall.EBADF, syscall.ENOTTY} {
		err = ignore(err, refused)
	}
	return err
}

// diskError is an error of the disk. It never matches fs.ErrNotExist, which a caller
// would mistake for an empty replica.
type diskError struct{ error }

func (e *diskError) Is(target error) bool {
	return target != fs.ErrNotExist && errors.Is(e.error, target)
}

func (e *diskError) As(target any) bool { return errors.As(e.error, target) }

func ignore(err, ignored error) error {
	if errors.Is(err, ignored) {
		return nil
	}
	return err
}
