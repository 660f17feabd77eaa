package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// asideInfix is between a temporary's name and the suffix of what was set aside
// for it.
const asideInfix = ".old"

// asideName returns where the file of that suffix is set aside. As long as the
// temporary is there, the old database has not been replaced.
func asideName(temp, suffix string) string { return temp + asideInfix + suffix }

// setAside moves what SQLite keeps beside the old database, and returns the
// suffixes of what was there, also with an error.
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

// putBack undoes setAside, the last first.
func (o *output) putBack(moved []string) (err error) {
	for _, suffix := range slices.Backward(moved) {
		if failed := o.disk.rename(asideName(o.temp, suffix), o.path+suffix); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s is part of the old database, and could not be put back: rename it to %s: %w",
				asideName(o.temp, suffix), o.path+suffix, failed))
		}
	}
	if err != nil {
		// Without its temporary it would be taken for what is to be removed.
		o.file.Close()
		o.temp = ""
	}
	return err
}

// recoverAsides finishes what the dead restore of a temporary has begun with the database
// at path: it puts back what was set aside, since the temporary tells that the
// database was not replaced. If the database has been written since, or has a log
// again, the old log would damage it: it is kept under another name.
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

// unused reports whether the database is as the dead restore has left it: no newer
// than its temporary, and without the files that are missing.
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
