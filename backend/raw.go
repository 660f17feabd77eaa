package backend

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// RawLister is a client that lists what is stored below its replica's path under
// any name, LTX file or not: a replica of Litestream v0.3, say. Clause O6 says what
// holds of it.
type RawLister interface {
	// ListRaw calls visit for each file and each folder right below dir, in any
	// order, and returns its error, which ends the listing. Nothing is visited in
	// a folder that is missing. dir is as fs.ValidPath wants it, relative to the
	// replica's path, which is "."; else it is fs.ErrInvalid. It costs one request
	// for each page of names, and memory for one; a store of directories, which
	// come in no order, keeps the names of one.
	ListRaw(ctx context.Context, dir string, visit func(RawFile) error) error
}

// RawOpener is a client that reads what is stored below its replica's path under
// any name. Clause O6 says what holds of it.
type RawOpener interface {
	// OpenRaw is OpenLTXFile for a file of any name, which is as fs.ValidPath wants
	// it and not "."; else it is fs.ErrInvalid. A wrapper that decrypts files
	// decrypts it, if it is encrypted.
	OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error)
}

// RawFile is a file, or a folder, as ListRaw tells of it.
type RawFile struct {
	// Name is the last segment of its path.
	Name string

	// Folder says that it is one. The fields below are then zero.
	Folder bool

	// Size is in bytes, as it is stored.
	Size int64

	// Modified is when it was stored, by the store's clock.
	Modified time.Time
}

// CheckRawDir returns an error of kind fs.ErrInvalid unless dir is one that
// RawLister.ListRaw takes.
func CheckRawDir(dir string) error {
	if !fs.ValidPath(dir) {
		return fmt.Errorf("folder is %q: want a slashed path below the replica's, or \".\" for that: %w", dir, fs.ErrInvalid)
	}
	return nil
}

// CheckRaw returns an error of kind fs.ErrInvalid unless the arguments are those that
// RawOpener.OpenRaw takes.
func CheckRaw(name string, offset, size int64) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("name is %q: want a slashed path below the replica's: %w", name, fs.ErrInvalid)
	}
	return rangeio.Check(offset, size)
}
