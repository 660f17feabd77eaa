package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// errLocked is the error of a lock that another process has.
var errLocked = errors.New("another process replicates the database, or another database has its files there: want one process for each, with a folder of its own")

// lock excludes other daemons from the database whose files the engine keeps in
// meta: two would take turns at its WAL, and replicate parts of transactions. The
// lock ends with the file that is returned: nil where no lock can be had, because
// there is no directory for the database yet or the system has no locks.
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

// makeLike makes a directory and those above it that are not there, with the permissions and
// the owner of another, as the engine would.
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
