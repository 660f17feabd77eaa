package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Disk is the driver of a local disk, in place of a Tree: its directories are kept open,
// it lists names without properties, and no response can be lost. Client tries each call
// once, passes bodies on without a buffer, and sweeps at Init.
type Disk interface {
	// OpenDir opens a directory below the root. If it is missing, it is created
	// durably for Write, and otherwise OpenDir fails with fs.ErrNotExist. If it is
	// not a directory, for example a symbolic link, OpenDir fails with the error of
	// WantDirectory.
	OpenDir(ctx context.Context, path string, use Use) (Dir, error)

	// Classify is as in Tree.
	Classify(err error) Failure
}

// ErrNotDirectory means that a path is not that of a directory. ErrLink, which matches it
// too, means that it is a symbolic link, whose target is not part of the replica.
var (
	ErrNotDirectory = errors.New("want a directory")
	ErrLink         = fmt.Errorf("a symbolic link: %w", ErrNotDirectory)
)

// WantDirectory returns an error unless mode, that of path, is a directory's.
func WantDirectory(path string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return nil
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is %w", path, ErrLink)
	}
	return fmt.Errorf("%s is %s: %w", path, Describe(mode), ErrNotDirectory)
}

// notBehindLink returns an error if a directory, or a parent of it, is a symbolic link that
// a Tree would follow. It costs a Stat for each.
func (r *replica) notBehindLink(ctx context.Context, dir string) error {
	if !r.Traits.FollowsLinks || dir == "" {
		return nil
	}
	above, _ := split(dir)
	if err := r.notBehindLink(ctx, above); err != nil {
		return err
	}
	info, err := r.Tree.Stat(ctx, dir)
	if err == nil && info.Mode&fs.ModeSymlink != 0 {
		return WantDirectory(dir, info.Mode)
	}
	if r.is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Use is the purpose for which a directory is opened.
type Use int

const (
	// Scan is for a single use: a sweep, listing the levels, or deleting everything.
	Scan Use = iota
	// Read is for reading its files, and Write for creating files in it. They are
	// repeated, so that a Disk may keep the directory open.
	Read
	Write
)

// Dir is an open directory. It stays the same even if another directory gets its name. Its
// methods are like those of Tree, with names in place of paths. On a Disk, Rename, Link,
// Remove and Sync are done even if the context has ended.
type Dir interface {
	// List calls visit for everything in the directory. A Disk lists only names,
	// with the Mode NameOnly, which are valid during the call.
	List(ctx context.Context, visit func(Entry)) error

	Stat(ctx context.Context, name string) (Info, error)
	Create(ctx context.Context, name string, body *Body) (Info, error)
	Rename(ctx context.Context, from, to string) error
	Link(ctx context.Context, from, to string) error
	Remove(ctx context.Context, name string) error
	RemoveDir(ctx context.Context, name string) error

	// Open opens a file. The Body of a Disk is returned to the caller unchanged:
	// its errors must be *ltxstore.Error, and it must end with the context.
	Open(ctx context.Context, name string, opts OpenOptions) (Content, error)

	// Sync makes changes to the directory's names durable.
	Sync(ctx context.Context) error

	// Close releases the directory. Files that were opened in it stay open.
	Close()
}

// NameOnly is the Mode of an Entry of which only the name is known.
const NameOnly = fs.ModeIrregular

// openDir opens a directory, and creates it for Write.
func (r *replica) openDir(ctx context.Context, dir string, use Use) (Dir, error) {
	if r.Disk != nil {
		return r.Disk.OpenDir(ctx, dir, use)
	}
	if use == Write {
		if err := r.makeDir(ctx, dir); err != nil {
			return nil, err
		}
	}
	return remote{r.Tree, dir}, nil
}

// remote is a directory of a Tree.
type remote struct {
	tree Tree
	dir  string
}

func (d remote) at(name string) string { return path.Join(d.dir, name) }

func (d remote) List(ctx context.Context, visit func(Entry)) error {
	return d.tree.List(ctx, d.dir, visit)
}

func (d remote) Stat(ctx context.Context, name string) (Info, error) {
	return d.tree.Stat(ctx, d.at(name))
}

func (d remote) Create(ctx context.Context, name string, body *Body) (Info, error) {
	return d.tree.Create(ctx, d.at(name), body)
}

func (d remote) Rename(ctx context.Context, from, to string) error {
	return d.tree.Rename(ctx, d.at(from), d.at(to))
}

func (d remote) Link(ctx context.Context, from, to string) error {
	return d.tree.Link(ctx, d.at(from), d.at(to))
}

// Remove first gets the properties of name: see Tree.Remove.
func (d remote) Remove(ctx context.Context, name string) error {
	info, err := d.Stat(ctx, name)
	switch {
	case err != nil:
		return err
	case !info.Mode.IsRegular():
		return fs.ErrNotExist
	}
	return d.tree.Remove(ctx, d.at(name))
}

func (d remote) RemoveDir(ctx context.Context, name string) error {
	return d.tree.RemoveDir(ctx, d.at(name))
}

func (d remote) Open(ctx context.Context, name string, opts OpenOptions) (Content, error) {
	return d.tree.Open(ctx, d.at(name), opts)
}

func (remote) Sync(context.Context) error { return nil }

func (remote) Close() {}
