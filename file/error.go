package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/ltxstore/ltxstore"
)

// kindOf returns the kind of an error of the file system. A full disk has none,
// so that it is not retried: it stays full until someone frees space.
func kindOf(err error) error {
	if kind := ltxstore.KindOf(err); kind != nil {
		return kind
	}
	switch {
	case errors.Is(err, syscall.EROFS):
		return fs.ErrPermission
	case isAny(err, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.EBUSY, syscall.ETIMEDOUT, syscall.ESTALE):
		return ltxstore.ErrUnavailable
	}
	return nil
}

// storeNotFound reports a missing root. cause must not match fs.ErrNotExist: a
// missing store is not a missing file (clause O2).
func storeNotFound(cause error) error {
	return &ltxstore.Error{Op: "init", Backend: typeName, Kind: ltxstore.ErrStoreNotFound, Err: cause}
}

// bare replaces the absolute path in an error of package os with a description of
// the operation. The file is known from the key.
func bare(doing string, err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	if errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// gone turns ESTALE into fs.ErrNotExist: NFS returns it if an open directory or a
// file in it was removed.
func gone(err error) error {
	if errors.Is(err, syscall.ESTALE) {
		return fmt.Errorf("%w: %v", fs.ErrNotExist, err)
	}
	return err
}

func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESTALE)
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
