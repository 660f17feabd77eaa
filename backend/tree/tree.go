package tree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// Tree is what a store of files and directories does. All methods must be safe
// for concurrent use, return soon after their context has ended, and try once:
// Client repeats a call where that may help.
//
// A path is slashed and relative to the replica's root, which is the empty
// path. Errors may be a library's own; Classify says what they mean. Wherever
// something is missing that is of kind fs.ErrNotExist.
type Tree interface {
	// List calls visit for everything in a directory, in any order.
	List(ctx context.Context, dir string, visit func(Entry)) error

	// Stat returns the properties of a file or directory. It follows no symbolic
	// link.
	Stat(ctx context.Context, path string) (Info, error)

	// Open opens a regular file, or a range of it. What is not a regular file
	// is missing. The context ends with the body, not with Open.
	Open(ctx context.Context, path string, opts OpenOptions) (Content, error)

	// Create writes a new file, whose time becomes body.Modified if that is not
	// zero and the store can. It returns when the file is as durable as the
	// store can make it. On failure a part of the file may stay: Client removes
	// it. A missing directory is of kind fs.ErrNotExist.
	//
	// The Size of the result is what the store has, -1 if that is not known, and
	// Modified may be zero.
	Create(ctx context.Context, path string, body *Body) (Info, error)

	// Rename gives a file another name, replacing the file that has it.
	Rename(ctx context.Context, from, to string) error

	// Link gives a file another name that none has, else it fails with
	// fs.ErrExist. The first name stays, unless Traits.LinkMoves.
	Link(ctx context.Context, from, to string) error

	// Remove removes a regular file: Client asks Stat first, because many stores
	// would remove an empty directory too, or one with all that is in it.
	Remove(ctx context.Context, path string) error

	// MakeDir makes a directory, and all that lead to it, where they are
	// missing.
	MakeDir(ctx context.Context, path string) error

	// RemoveDir removes a directory if it is empty, else it fails with
	// fs.ErrExist.
	RemoveDir(ctx context.Context, path string) error

	// Classify says what a failure means. It is given every error of the
	// methods above and of a body's Read, often wrapped, and errors of Client's
	// own, which wrap a kind of package ltxstore or fs; never nil.
	Classify(err error) Failure
}

// Info is the properties of a file or directory.
type Info struct {
	Mode fs.FileMode // only its type matters
	Size int64       // in bytes

	// Modified is the modification time, by the store's clock or as Create has
	// set it.
	Modified time.Time

	// Changed is when anything of the file last changed, if the store tells it.
	// A sweep goes by the later of Changed and Modified.
	Changed time.Time
}

// Describe says what something of that mode is: "a file", "a symbolic link".
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

// OpenOptions say what of a file to read.
type OpenOptions struct {
	// Offset and Size are the range in bytes; a Size of 0 is to the end. Both
	// are 0 or more, and their sum may overflow.
	Offset, Size int64

	// Version, if not empty, is the only version to read: another is
	// ErrReplaced.
	Version string
}

// Content is an open file.
type Content struct {
	Info // of the whole file

	// Version identifies the content: two reads that name the same version
	// yield bytes of the same file. Empty means that reads are not resumed.
	Version string

	// Body yields the bytes of the range, none if it begins past the end.
	// Client closes it, also while a Read is blocked. It may end early.
	Body io.ReadCloser
}

// ErrReplaced means that a file is not the version that was asked for.
var ErrReplaced = errors.New("the file was replaced while it was read")

// Traits say what a store cannot do, or does otherwise. The zero value is a store that can do
// everything.
type Traits struct {
	// LinkMoves says that Link leaves nothing at the first name.
	LinkMoves bool

	// FollowsLinks says that a path may lead through a symbolic link. Client then
	// asks Stat for the directories below the root before it writes or deletes
	// files in them, and refuses a link: it may lead to another replica.
	FollowsLinks bool

	// NoLink says that there is no Link. A client with write-once is then
	// refused at Init.
	NoLink bool
}

// Failure is what an error of a Tree means.
type Failure struct {
	// Kind is a kind of package ltxstore or fs, or nil where none fits.
	// ErrThrottled and ErrUnavailable are repeated; with nil,
	// ltxstore.IsRetryable decides.
	Kind error

	// RetryAfter is how long the store asks to be left alone, 0 if it does not.
	RetryAfter time.Duration
}
