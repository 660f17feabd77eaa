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

// output is the database's file: a temporary until it gets its name.
type output struct {
	path      string
	overwrite bool
	mode      fs.FileMode

	file *os.File
	temp string // empty when there is none
}

// beside are the files that SQLite would take for parts of the database.
var beside = [...]string{"-wal", "-shm", "-journal"}

// vacant returns an error unless the path may be written. With overwrite only
// something that is no file is in the way.
func (o *output) vacant() error {
	if o.path == "" {
		return fmt.Errorf("path is empty: want the database's: %w", fs.ErrInvalid)
	}
	dir := filepath.Dir(o.path)
	if stat, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !stat.IsDir() {
		// Not fs.ErrNotExist: who restores must not take a missing directory
		// for an empty replica.
		return fmt.Errorf("directory %s does not exist: %w", dir, fs.ErrInvalid)
	}
	if o.overwrite {
		stat, err := os.Lstat(o.path)
		if err == nil && !stat.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file: want a database or nothing: %w", o.path, fs.ErrInvalid)
		}
		return ignore(err, fs.ErrNotExist)
	}
	for _, suffix := range append([]string{""}, beside[:]...) {
		_, err := os.Lstat(o.path + suffix)
		if err == nil {
			return fmt.Errorf("%s is there already: want a new database, or Overwrite: %w", o.path+suffix, fs.ErrExist)
		}
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// create makes the temporary, which only its owner can read at first.
func (o *output) create() (err error) {
	o.file, err = os.CreateTemp(filepath.Dir(o.path), filepath.Base(o.path)+".*.restore")
	if err == nil {
		o.temp = o.file.Name()
	}
	return err
}

// remove removes the temporary, unless it has become the database.
func (o *output) remove() {
	if o.temp == "" {
		return
	}
	o.file.Close() // again, perhaps: Windows removes no open file
	os.Remove(o.temp)
	o.temp = ""
}

// sync makes the temporary durable.
func (o *output) sync() error {
	err := o.file.Chmod(cmp.Or(o.mode, 0o600))
	if err == nil || runtime.GOOS == "windows" {
		err = o.file.Sync()
	}
	return errors.Join(err, o.file.Close())
}

func (o *output) check(ctx context.Context, check func(context.Context, string) error) error {
	defer o.clean(o.temp)
	if err := check(ctx, o.temp); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return nil
}

// publish gives the temporary its name.
func (o *output) publish() error {
	if err := o.vacant(); err != nil {
		return err
	}
	if o.overwrite {
		// First, so that SQLite never sees the new database with the old one's
		// log.
		if err := o.clean(o.path); err != nil {
			return err
		}
		if err := os.Rename(o.temp, o.path); err != nil {
			return err
		}
		o.temp = ""
	} else if err := o.link(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(o.path))
}

// link is a rename that replaces nothing, also if the name was taken since.
// Where the file system has no links it is a rename after a look.
func (o *output) link() error {
	err := os.Link(o.temp, o.path)
	switch {
	case err == nil:
		o.remove()
		return nil
	case errors.Is(err, fs.ErrExist):
		return err
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EPERM):
		if err := os.Rename(o.temp, o.path); err != nil {
			return err
		}
		o.temp = ""
		return nil
	}
	return err
}

// clean removes what SQLite keeps beside a database.
func (o *output) clean(path string) error {
	for _, suffix := range beside {
		if err := ignore(os.Remove(path+suffix), fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes a new name durable. A file system that does not fsync
// directories, and Windows, offer nothing better.
func syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = dir.Sync()
	for _, refused := range []error{errors.ErrUnsupported, syscall.EINVAL, syscall.EBADF, syscall.ENOTTY} {
		err = ignore(err, refused)
	}
	return err
}

func ignore(err, ignored error) error {
	if errors.Is(err, ignored) {
		return nil
	}
	return err
}
