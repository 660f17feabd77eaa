package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Disk is what a disk of this machine does, in place of a Tree: its directories
// are held open, so that no call walks to one, names come without their files'
// properties, and no answer can be lost. Client tries each call once, hands a body on without a buffer, and
// sweeps at Init.
type Disk interface {
	// OpenDir opens a directory below the root. One that is missing is made if
	// it is opened to Write, and durable then; else it is fs.ErrNotExist. What is
	// not a directory, but a symbolic link for one, is the error of WantDirectory.
	OpenDir(ctx context.Context, path string, use Use) (Dir, error)

	// Classify is as in Tree.
	Classify(err error) Failure
}

// ErrNotDirectory means that a path does not lead to a directory, and ErrLink, which
// matches it too, that it is a symbolic link: what is behind it is not the replica's.
var (
	ErrNotDirectory = errors.New("want a directory")
	ErrLink         = fmt.Errorf("a symbolic link: %w", ErrNotDirectory)
)

// WantDirectory returns an error if what is at a path is not a directory.
func WantDirectory(path string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return nil
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is %w", path, ErrLink)
	}
	return fmt.Errorf("%s is %s: %w", path, Describe(mode), ErrNotDirectory)
}

// notBehindLink returns an error if a directory, or one above it, is a symbolic link
// that a Tree would follow. It costs a Stat for each.
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

// Use is what a directory is opened for.
type Use int

const (
	// Scan is once: for a sweep, the levels, or a deletion of everything.
	Scan Use = iota
	// Read is for its files, and Write to make files in it, again and again:
	// a Disk may keep the directory open.
	Read
	Write
)

// Dir is an open directory. It is the same whatever has its name meanwhile.
// The methods are as those of Tree, with names in place of paths. On a Disk
// Rename, Link, Remove and Sync are done also if the context has ended.
type Dir interface {
	// List calls visit for everything in the directory. A Disk lists names
	// only, which are valid during the call: Mode is NameOnly.
	List(ctx context.Context, visit func(Entry)) error

	Stat(ctx context.Context, name string) (Info, error)
	Create(ctx context.Context, name string, body *Body) (Info, error)
	Rename(ctx context.Context, from, to string) error
	Link(ctx context.Context, from, to string) error
	Remove(ctx context.Context, name string) error
	RemoveDir(ctx context.Context, name string) error

	// Open opens a file. A Disk's Body is handed to the caller as it is: its
	// errors are *ltxstore.Error, and it ends with the context.
	Open(ctx context.Context, name string, opts OpenOptions) (Content, error)

	// Sync makes durable what was done to the directory's names.
	Sync(ctx context.Context) error

	// Close releases the directory. What was opened in it stays open.
	Close()
}

// NameOnly is the Mode of an Entry of which nothing but its name is known.
const NameOnly = fs.ModeIrregular

// openDir opens a directory, and makes it if it is to be written to.
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

// Remove asks for the name's properties first: see Tree.Remove.
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
