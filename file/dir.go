package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/ltxstore/ltxstore/backend/tree"
)

func infoOf(info fs.FileInfo) tree.Info {
	return tree.Info{Mode: info.Mode().Type(), Size: info.Size(), Modified: info.ModTime(), Changed: changed(info)}
}

// List implements tree.Dir.
func (dir *openDir) List(ctx context.Context, visit func(tree.Entry)) error {
	names, err := dir.fsys.openDir(dir.root, ".") // with a position of its own
	if err != nil {
		return gone(bare("open directory", err))
	}
	defer names.Close()
	return dir.fsys.eachName(ctx, names, func(name string) {
		if name != "." && name != ".." {
			visit(tree.Entry{Name: name, Info: tree.Info{Mode: tree.NameOnly}})
		}
	})
}

// Stat implements tree.Dir.
func (dir *openDir) Stat(_ context.Context, name string) (tree.Info, error) {
	info, err := dir.fsys.lstat(dir.root, name)
	if err != nil {
		return tree.Info{}, bare("stat", err)
	}
	return infoOf(info), nil
}

// Create implements tree.Dir. The file is fsynced and closed.
func (dir *openDir) Create(_ context.Context, name string, body *tree.Body) (tree.Info, error) {
	model, _ := dir.models()
	file, err := dir.fsys.create(dir.root, name, mode(dir.given.FileMode, model, 0o600, dir.cfg.FileMode))
	if err != nil {
		if err = gone(bare("create temporary", err)); errors.Is(err, fs.ErrNotExist) {
			dir.drop(dir)
		}
		return tree.Info{}, err
	}
	giveAway(model, file.Chown)
	defer file.Close() // after an error: Windows cannot remove an open file
	return dir.fill(file, name, body)
}

// fill writes the body, sets the file's time and fsyncs the file.
func (dir *openDir) fill(file *os.File, name string, body *tree.Body) (tree.Info, error) {
	n, err := body.CopyTo(seam{dir.fsys, file})
	if err != nil {
		return tree.Info{}, err
	}
	// The time is set before the fsync, so that neither a crash nor a listing can
	// find the file with another time.
	if !body.Modified.IsZero() {
		if err := dir.fsys.setTime(dir.root, name, file, body.Modified); err != nil {
			return tree.Info{}, gone(bare("set time", err))
		}
	}
	if err := dir.fsys.sync(file); err != nil {
		return tree.Info{}, bare("fsync", err)
	}
	info, err := file.Stat()
	if err != nil {
		return tree.Info{}, bare("stat", err)
	}
	if info.Size() != n {
		return tree.Info{}, fmt.Errorf("file has %d bytes, but %d were written: %w", info.Size(), n, io.ErrShortWrite)
	}
	if err := dir.fsys.close(file); err != nil {
		return tree.Info{}, bare("close", err)
	}
	return infoOf(info), nil
}

// seam is a file that is written through fsys.
type seam struct {
	fsys fsys
	file *os.File
}

func (s seam) Write(p []byte) (int, error) {
	n, err := s.fsys.write(s.file, p)
	if err != nil {
		err = bare("write body", err)
	}
	return n, err
}

func (s seam) ReadFrom(r io.Reader) (int64, error) {
	n, err := s.fsys.readFrom(s.file, r.(*io.LimitedReader))
	if err != nil {
		err = bare("copy body", err)
	}
	return n, err
}

// Rename implements tree.Dir.
func (dir *openDir) Rename(_ context.Context, from, to string) error {
	if err := dir.fsys.rename(dir.root, from, to); err != nil {
		return gone(bare("rename", err))
	}
	return nil
}

// Link implements tree.Dir: the kernel lets exactly one of several writers win.
// Linux returns EPERM for a file system without hard links. It is reported as
// errors.ErrUnsupported, because a caller would take it for a denied request.
func (dir *openDir) Link(_ context.Context, from, to string) error {
	err := dir.fsys.link(dir.root, from, to)
	switch {
	case err == nil:
		return nil
	case isAny(err, errors.ErrUnsupported, syscall.EPERM):
		return fmt.Errorf("%w: %v", errors.ErrUnsupported, bare("link", err))
	}
	return gone(bare("link", err))
}

// Remove implements tree.Dir. It looks first, because os.Root.Remove would
// remove an empty directory too.
func (dir *openDir) Remove(_ context.Context, name string) error {
	info, err := dir.fsys.lstat(dir.root, name)
	if err != nil {
		return gone(bare("stat", err))
	}
	if err := wantFile(info); err != nil {
		return err
	}
	if err := dir.fsys.remove(dir.root, name); err != nil {
		return gone(bare("remove", err))
	}
	return nil
}

// RemoveDir implements tree.Dir.
func (dir *openDir) RemoveDir(_ context.Context, name string) error {
	info, err := dir.fsys.lstat(dir.root, name)
	if err != nil {
		return gone(bare("stat directory", err))
	}
	if !info.IsDir() {
		return fs.ErrNotExist
	}
	dir.forgetDir(path.Join(dir.name, name)) // Windows cannot remove an open directory
	err = dir.fsys.remove(dir.root, name)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist), isNotEmpty(err):
		return fs.ErrExist
	}
	return gone(bare("remove directory", err))
}

// Sync implements tree.Dir.
func (dir *openDir) Sync(context.Context) error { return syncTolerant(dir.fsys, dir.file) }
