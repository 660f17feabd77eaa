package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// asideInfix separates the name of a temporary and the suffix of a file that was
// set aside for it.
const asideInfix = ".old"

// asideName returns the name under which the file with a suffix is set aside.
// As long as the temporary exists, the old database has not been replaced.
func asideName(temp, suffix string) string { return temp + asideInfix + suffix }

// setAside renames the files that SQLite keeps for the old database. It
// returns the suffixes of those that exist, even if it fails.
func (o *output) setAside() (moved []string, err error) {
	for _, suffix := range beside {
		err := o.disk.rename(o.path+suffix, asideName(o.temp, suffix))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return moved, err
		}
		moved = append(moved, suffix)
	}
	return moved, nil
}

// putBack undoes setAside, in reverse order.
func (o *output) putBack(moved []string) (err error) {
	for _, suffix := range slices.Backward(moved) {
		if failed := o.disk.rename(asideName(o.temp, suffix), o.path+suffix); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s is part of the old database and could not be put back: rename it to %s: %w",
				asideName(o.temp, suffix), o.path+suffix, failed))
		}
	}
	if err != nil {
		// Without its temporary, it would count as garbage.
		o.file.Close()
		o.temp = ""
	}
	return err
}

// recoverAsides undoes what a killed restore did to the database at path: it
// puts back the files that were set aside, because the temporary proves that
// the database was not replaced. If the database has been written since, or
// has a log again, the old log would damage it and is kept under another
// name.
func recoverAsides(temp string, written fs.FileInfo, path string) error {
	var moved []string
	for _, suffix := range beside {
		if _, err := os.Lstat(asideName(temp, suffix)); err == nil {
			moved = append(moved, suffix)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	untouched, err := unused(path, written, moved)
	if err != nil {
		return err
	}
	for _, suffix := range slices.Backward(moved) {
		to := path + suffix
		if !untouched {
			to = temp + ".kept" + suffix
		}
		if err := os.Rename(asideName(temp, suffix), to); err != nil {
			return err
		}
	}
	return syncDir(dirOf(path))
}

// unused reports whether the database is as the killed restore left it: not
// newer than the temporary, and without the files that were set aside.
func unused(path string, temp fs.FileInfo, moved []string) (bool, error) {
	database, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || database.ModTime().After(temp.ModTime()) {
		return false, err
	}
	for _, suffix := range moved {
		_, err := os.Lstat(path + suffix)
		if err == nil {
			return false, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return true, nil
}
