package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// maxOpenDirs bounds how many levels are kept open.
const maxOpenDirs = 32

// dirs keeps the level directories open, so that a write or a read of a level
// in use opens its file and nothing else. Before each use it makes sure that
// the path still leads to the open directory: a tree may be deleted, moved or
// restored from a backup while the client lives.
type dirs struct {
	cfg  Config
	keys backend.Keys
	fsys fsys

	opening sync.Mutex // held while a directory is made and opened

	mu   sync.Mutex
	open map[int]*levelDir
}

// levelDir is an open level directory. It is got from dirs.acquire and must be
// given back to dirs.release.
type levelDir struct {
	level int
	path  string // absolute
	root  *os.Root
	file  *os.File // the same directory, for fsync
	info  fs.FileInfo

	// durable says that the directory's own entry, and those of the
	// directories that lead to it, have been fsynced. It never changes.
	durable bool

	refs    int  // guarded by dirs.mu
	dropped bool // guarded by dirs.mu: closed with the last reference
}

func newDirs(cfg Config, keys backend.Keys, fsys fsys) *dirs {
	return &dirs{cfg: cfg, keys: keys, fsys: fsys, open: make(map[int]*levelDir)}
}

// acquire returns a level's directory for reading. A missing one is an error
// for which isGone is true, or of kind ErrStoreNotFound.
func (d *dirs) acquire(level int) (*levelDir, error) { return d.get(level, false) }

// acquireMade returns a level's directory for writing: it is made if it is
// missing, and durable.
func (d *dirs) acquireMade(level int) (*levelDir, error) { return d.get(level, true) }

func (d *dirs) get(level int, made bool) (*levelDir, error) {
	if dir := d.cached(level, made); dir != nil {
		return dir, nil
	}
	d.opening.Lock()
	defer d.opening.Unlock()
	if dir := d.cached(level, made); dir != nil {
		return dir, nil
	}
	dir, err := d.openLevel(level, made)
	if err != nil {
		return nil, err
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	d.makeRoom()
	d.open[level] = dir
	dir.refs++
	return dir, nil
}

// cached returns the open directory if it is still the right one, or nil.
func (d *dirs) cached(level int, made bool) *levelDir {
	d.mu.Lock()
	dir := d.open[level]
	if dir != nil {
		dir.refs++
	}
	d.mu.Unlock()
	if dir == nil {
		return nil
	}
	// Lstat, so that a link put in the directory's place is not taken for it.
	if info, err := os.Lstat(dir.path); err == nil && os.SameFile(info, dir.info) && (dir.durable || !made) {
		return dir
	}
	d.drop(dir)
	d.release(dir)
	return nil
}

func (d *dirs) release(dir *levelDir) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir.refs--
	dir.closeIfIdle()
}

// drop forgets a directory that turned out to be gone.
func (d *dirs) drop(dir *levelDir) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(dir)
}

func (d *dirs) dropAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range d.open {
		d.forget(dir)
	}
}

// makeRoom forgets any one directory if there are too many.
func (d *dirs) makeRoom() {
	for _, dir := range d.open {
		if len(d.open) < maxOpenDirs {
			return
		}
		d.forget(dir)
	}
}

func (d *dirs) forget(dir *levelDir) {
	if d.open[dir.level] == dir {
		delete(d.open, dir.level)
	}
	dir.dropped = true
	dir.closeIfIdle()
}

func (dir *levelDir) closeIfIdle() {
	if dir.dropped && dir.refs == 0 {
		dir.close()
	}
}

// openRoot opens the replica's root, or says that it is missing as the
// configuration wants it said.
func (d *dirs) openRoot() (*os.Root, error) {
	root, err := d.fsys.openRoot(nil, d.cfg.Path)
	switch {
	case err == nil:
		return root, nil
	case errors.Is(err, fs.ErrNotExist) && d.cfg.MustExist:
		return nil, fmt.Errorf("root directory %s is not there: %w", d.cfg.Path, ltxstore.ErrStoreNotFound)
	}
	return nil, bare("open root directory", err)
}

func (d *dirs) openLevel(level int, made bool) (*levelDir, error) {
	root, err := d.openRoot()
	if made && errors.Is(err, fs.ErrNotExist) {
		if err = d.makeRoot(); err == nil {
			root, err = d.openRoot()
		}
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()

	name := strings.TrimSuffix(d.keys.LevelPrefix(level), "/")
	if made {
		if err := d.makeAll(root, name); err != nil {
			return nil, err
		}
		d.syncParent()
	}
	dir, err := openDir(d.fsys, root, name)
	if err != nil {
		return nil, err
	}
	dir.level, dir.durable = level, made
	dir.path = filepath.Join(d.cfg.Path, filepath.FromSlash(name))
	return dir, nil
}

// openDir opens the directory of that slashed name, of which no part may be a
// link.
func openDir(fsys fsys, root *os.Root, name string) (*levelDir, error) {
	dir, end := root, 0
	for part := range strings.SplitSeq(name, "/") {
		end += len(part)
		sub, err := openPart(fsys, dir, part, name[:end])
		end += len("/")
		if dir != root {
			dir.Close()
		}
		if err != nil {
			return nil, err
		}
		dir = sub
	}
	file, err := fsys.openDir(dir, ".")
	if err != nil {
		dir.Close()
		return nil, bare("open directory", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		dir.Close()
		return nil, bare("stat directory", err)
	}
	return &levelDir{root: dir, file: file, info: info}, nil
}

// openPart opens a directory in another; path is its name in errors. It compares what it has opened with
// what it has seen before, because os.Root follows a link within the root; a
// file system on which nothing has a lasting identity is believed in the end.
func openPart(fsys fsys, dir *os.Root, name, path string) (*os.Root, error) {
	for try := 1; ; try++ {
		seen, err := fsys.lstat(dir, name)
		if err != nil {
			return nil, bare("stat directory", err)
		}
		if err := wantDirInfo(path, seen); err != nil {
			return nil, err
		}
		sub, err := fsys.openRoot(dir, name)
		if err != nil {
			return nil, bare("open directory", err)
		}
		info, err := fsys.lstat(sub, ".")
		if err == nil && (os.SameFile(seen, info) || try == maxTries) {
			return sub, nil
		}
		sub.Close()
		if err != nil {
			return nil, bare("stat directory", err)
		}
	}
}

func wantDir(fsys fsys, root *os.Root, name string) error {
	info, err := fsys.lstat(root, filepath.FromSlash(name))
	if err != nil {
		return bare("stat directory", err)
	}
	return wantDirInfo(name, info)
}

func wantDirInfo(name string, info fs.FileInfo) error {
	if !info.IsDir() {
		return fmt.Errorf("%s is %s: want a directory", name, describe(info.Mode()))
	}
	return nil
}

// isDir reports whether there is a directory of that name. One that is missing,
// and what is something else, are not an error.
func isDir(fsys fsys, root *os.Root, name string) (bool, error) {
	info, err := fsys.lstat(root, filepath.FromSlash(name))
	switch {
	case isGone(err):
		return false, nil
	case err != nil:
		return false, bare("stat directory", err)
	}
	return info.IsDir(), nil
}

// describe names what stands where a file or a directory should.
func describe(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a directory"
	case mode.IsRegular():
		return "a file"
	}
	return "a special file"
}
