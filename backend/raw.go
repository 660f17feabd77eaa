package backend

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// RawLister is a client that lists all files below its replica's path, not only LTX files:
// for example a replica of Litestream v0.3. Its contract is clause O6.
type RawLister interface {
	// ListRaw calls visit for each file and each folder directly below dir, in any
	// order, until it returns an error, which ListRaw returns. A missing folder has
	// no files. dir must be valid for fs.ValidPath, otherwise ListRaw fails with
	// fs.ErrInvalid; it is relative to the replica's path, which is ".". ListRaw
	// costs one request for each page of names, and memory for one page or, in a
	// store of directories, for one directory.
	ListRaw(ctx context.Context, dir string, visit func(RawFile) error) error
}

// RawOpener is a client that reads any file below its replica's path. Its contract is
// clause O6.
type RawOpener interface {
	// OpenRaw is OpenLTXFile for a file with any name, which must be valid for
	// fs.ValidPath and not "."; otherwise OpenRaw fails with fs.ErrInvalid. A wrapper
	// that decrypts files decrypts it if it is encrypted.
	OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error)
}

// RawFile is a file or folder in a listing of ListRaw.
type RawFile struct {
	// Name is the last segment of its path.
	Name string

	// Folder reports whether it is a folder. The fields below are then zero.
	Folder bool

	// Size is the stored size in bytes.
	Size int64

	// Modified is when the file was stored, by the store's clock.
	Modified time.Time
}

// CheckRawDir returns an error of kind fs.ErrInvalid unless dir is valid for
// RawLister.ListRaw.
func CheckRawDir(dir string) error {
	if !fs.ValidPath(dir) {
		return fmt.Errorf("folder is %q: want a path with slashes below the replica's path, or \".\": %w", dir, fs.ErrInvalid)
	}
	return nil
}

// CheckRaw returns an error of kind fs.ErrInvalid unless the arguments are valid for
// RawOpener.OpenRaw.
func CheckRaw(name string, offset, size int64) error {
	if !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("name is %q: want a path with slashes below the replica's path: %w", name, fs.ErrInvalid)
	}
	return rangeio.Check(offset, size)
}
