package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// errLocked means that another process has the lock.
var errLocked = errors.New("another process replicates the database, or another database uses this folder: want one process, and a folder for each database")

// lock locks out other daemons from the database whose files the engine keeps in
// meta: two daemons would each replicate parts of its WAL. Closing the returned file
// ends the lock. The file is nil if the database's directory does not exist yet, or
// the system has no locks.
func lock(database, meta string) (*os.File, error) {
	like, err := os.Stat(filepath.Dir(database))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := makeLike(meta, like); err != nil {
		return nil, err
	}
	dir, err := os.Open(meta)
	if err != nil {
		return nil, err
	}
	if err := tryLock(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", meta, err), dir.Close())
	}
	return dir, nil
}

// makeLike makes a directory and its missing parents, with the permissions and the
// owner of another directory, as the engine would.
func makeLike(path string, like fs.FileInfo) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeLike(filepath.Dir(path), like); err != nil {
		return err
	}
	if err := os.Mkdir(path, like.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	giveTo(path, like)
	return nil
}
