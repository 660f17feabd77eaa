package tree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// Tree is the driver of a store of files and directories. All methods must be safe for
// concurrent use, return soon after their context has ended, and try once: Client repeats
// calls.
//
// A path has slashes and is relative to the replica's root, which is the empty path.
// Errors may be those of a library; Classify tells what they mean. The error for anything
// that is missing must be of kind fs.ErrNotExist.
type Tree interface {
	// List calls visit for everything in a directory, in any order.
	List(ctx context.Context, dir string, visit func(Entry)) error

	// Stat returns the properties of a file or directory. It does not follow
	// symbolic links.
	Stat(ctx context.Context, path string) (Info, error)

	// Open opens a regular file, or a range of it. Anything else counts as
	// missing. The context ends with the body, not with Open.
	Open(ctx context.Context, path string, opts OpenOptions) (Content, error)

	// Create writes a new file, and sets its time to body.Modified if that is not
	// zero and the store can. It returns when the file is as durable as the store
	// can make it. After a failure, a part of the file may remain: Client removes
	// it. If the directory is missing, the error is of kind fs.ErrNotExist.
	//
	// The Size of the result is that in the store, or -1 if unknown, and Modified
	// may be zero.
	Create(ctx context.Context, path string, body *Body) (Info, error)

	// Rename renames a file, and replaces any file with the new name.
	Rename(ctx context.Context, from, to string) error

	// Link gives a file a second name, and fails with fs.ErrExist if that exists.
	// With Traits.LinkMoves, it removes the first name.
	Link(ctx context.Context, from, to string) error

	// Remove removes a regular file. Client calls Stat first, because many stores
	// would also remove an empty directory, or one with all its files.
	Remove(ctx context.Context, path string) error

	// MakeDir creates a directory and its missing parents, unless it exists.
	MakeDir(ctx context.Context, path string) error

	// RemoveDir removes a directory, and fails with fs.ErrExist if it is not
	// empty.
	RemoveDir(ctx context.Context, path string) error

	// Classify returns the meaning of an error. It is called with errors of the
	// methods above and of a body's Read, often wrapped, and with errors that
	// Client has made, which wrap a kind of package ltxstore or fs, but never with
	// nil.
	Classify(err error) Failure
}

// Info is the properties of a file or directory.
type Info struct {
	Mode fs.FileMode // only its type matters
	Size int64       // in bytes

	// Modified is the modification time, by the store's clock or as set by Create.
	Modified time.Time

	// Changed is when anything about the file last changed, or zero if unknown. A
	// sweep uses the later of Changed and Modified.
	Changed time.Time
}

// Describe returns a description of a mode, such as "a file" or "a symbolic link".
func Describe(mode fs.FileMode) string {
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

// Entry is a name in a directory.
type Entry struct {
	Name string
	Info
}

// OpenOptions select what to read of a file.
type OpenOptions struct {
	// Offset and Size are the range in bytes; a Size of 0 is to the end. Both
	// are 0 or more, and their sum may overflow.
	Offset, Size int64

	// Version, if not empty, is the version to read: if the file has another, the
	// error is ErrReplaced.
	Version string
}

// Content is an open file.
type Content struct {
	Info // of the whole file

	// Version identifies the content: two reads of the same version return bytes of
	// the same file. If it is empty, reads are not resumed.
	Version string

	// Body returns the bytes of the range, which has none if it starts past the
	// end. Client closes it, even while a Read is blocked. It may end early.
	Body io.ReadCloser
}

// ErrReplaced means that a file does not have the requested version.
var ErrReplaced = errors.New("the file was replaced while being read")

// Traits describe what a store cannot do, or does differently. The zero value is a store
// that can do everything.
type Traits struct {
	// LinkMoves means that Link removes the first name.
	LinkMoves bool

	// FollowsLinks means that the store follows symbolic links in paths. Client then
	// calls Stat for the directories below the root before it writes or deletes
	// files in them, and fails if one is a link, which may lead to another replica.
	FollowsLinks bool

	// NoLink means that the store does not support Link. Init of a client with
	// write-once then fails.
	NoLink bool
}

// Failure is the meaning of an error of a Tree.
type Failure struct {
	// Kind is a kind of package ltxstore or fs, or nil if none fits.
	// ErrThrottled and ErrUnavailable are repeated; with nil,
	// ltxstore.IsRetryable decides.
	Kind error

	// RetryAfter is how long the store asks to wait, or 0.
	RetryAfter time.Duration
}
