package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/tree"
)

// maxOpenDirs bounds how many directories are kept open.
const maxOpenDirs = 32

// disk implements tree.Disk. It keeps the directories of levels open, so that a
// write or a read only opens its file. Before each use it checks that the path
// still leads to the open directory: a tree may be deleted, moved or restored
// from a backup while the client exists.
type disk struct {
	cfg   Config // with the defaults
	given Config
	fsys  fsys
	like  atomic.Pointer[func() (file, dir fs.FileInfo)]

	opening sync.Mutex // held while a directory is made and opened

	mu   sync.Mutex
	open map[string]*openDir
}

// openDir is an open directory, a tree.Dir.
type openDir struct {
	*disk
	name string // slashed, relative to the root
	path string // absolute
	root *os.Root
	file *os.File // the same directory, for fsync
	info fs.FileInfo

	// durable means that the directory's own entry and those of its parents
	// have been fsynced. It never changes.
	durable bool

	refs    int  // guarded by disk.mu
	dropped bool // guarded by disk.mu: closed with the last reference
}

// Classify implements tree.Disk.
func (d *disk) Classify(err error) tree.Failure { return tree.Failure{Kind: kindOf(err)} }

// OpenDir implements tree.Disk.
func (d *disk) OpenDir(_ context.Context, name string, use tree.Use) (tree.Dir, error) {
	dir, err := d.get(name, use)
	if err != nil {
		return nil, err
	}
	return dir, nil
}

func (d *disk) get(name string, use tree.Use) (*openDir, error) {
	if use == tree.Scan {
		dir, err := d.openBelow(name, false)
		if err == nil {
			dir.refs, dir.dropped = 1, true
		}
		return dir, err
	}
	made := use == tree.Write
	if dir := d.cached(name, made); dir != nil {
		return dir, nil
	}
	d.opening.Lock()
	defer d.opening.Unlock()
	if dir := d.cached(name, made); dir != nil {
		return dir, nil
	}
	dir, err := d.openBelow(name, made)
	if err != nil {
		return nil, err
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	d.makeRoom()
	d.open[name] = dir
	dir.refs++
	return dir, nil
}

// cached returns the open directory if it is still the right one, or nil.
func (d *disk) cached(name string, made bool) *openDir {
	d.mu.Lock()
	dir := d.open[name]
	if dir != nil {
		dir.refs++
	}
	d.mu.Unlock()
	if dir == nil {
		return nil
	}
	// Lstat, so that a link in the directory's place does not match.
	if info, err := os.Lstat(dir.path); err == nil && os.SameFile(info, dir.info) && (dir.durable || !made) {
		return dir
	}
	d.drop(dir)
	dir.Close()
	return nil
}

// Close implements tree.Dir.
func (dir *openDir) Close() {
	dir.mu.Lock()
	defer dir.mu.Unlock()
	dir.refs--
	dir.closeIfIdle()
}

// drop forgets a directory that no longer exists.
func (d *disk) drop(dir *openDir) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(dir)
}

// forgetDir forgets the directory with the given name.
func (d *disk) forgetDir(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dir := d.open[name]; dir != nil {
		d.forget(dir)
	}
}

func (d *disk) dropAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dir := range d.open {
		d.forget(dir)
	}
}

// makeRoom forgets arbitrary directories until one more may be opened.
func (d *disk) makeRoom() {
	for _, dir := range d.open {
		if len(d.open) < maxOpenDirs {
			return
		}
		d.forget(dir)
	}
}

func (d *disk) forget(dir *openDir) {
	if d.open[dir.name] == dir {
		delete(d.open, dir.name)
	}
	dir.dropped = true
	dir.closeIfIdle()
}

func (dir *openDir) closeIfIdle() {
	if dir.dropped && dir.refs == 0 {
		dir.file.Close()
		dir.root.Close()
	}
}

// openRoot opens the replica's root. If it is missing, the error depends on
// Config.MustExist.
func (d *disk) openRoot() (*os.Root, error) {
	root, err := d.fsys.openRoot(nil, d.cfg.Path)
	switch {
	case err == nil:
		return root, nil
	case errors.Is(err, fs.ErrNotExist) && d.cfg.MustExist:
		return nil, fmt.Errorf("root directory %s does not exist: %w", d.cfg.Path, ltxstore.ErrStoreNotFound)
	}
	return nil, bare("open root directory", err)
}

// openBelow opens a directory below the root, or the root itself.
func (d *disk) openBelow(name string, made bool) (*openDir, error) {
	root, err := d.openRoot()
	if made && errors.Is(err, fs.ErrNotExist) {
		if err = d.makeRoot(); err == nil {
			root, err = d.openRoot()
		}
	}
	if err != nil {
		return nil, err
	}
	if made {
		if err := d.makeAll(root, name); err != nil {
			root.Close()
			return nil, err
		}
		d.syncParent()
	}
	dir, err := d.openAt(root, name)
	if err != nil {
		return nil, err
	}
	dir.disk, dir.name, dir.durable = d, name, made
	dir.path = filepath.Join(d.cfg.Path, filepath.FromSlash(name))
	return dir, nil
}
