package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/ltxstore/ltxstore"
)

// wrap makes a method's *ltxstore.Error of err. An *ltxstore.Error, and nil,
// stay as they are.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	return &ltxstore.Error{Op: op, Backend: typeName, Key: key, Kind: kindOf(err), Err: err}
}

// kindOf returns the kind of a failure of the file system. A full disk has
// none: it is permanent until someone makes room, and IsRetryable says no.
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

// storeNotFound reports a missing root. cause must not match fs.ErrNotExist:
// a missing store is no missing file (clause O2).
func storeNotFound(op string, cause error) error {
	return &ltxstore.Error{Op: op, Backend: typeName, Kind: ltxstore.ErrStoreNotFound, Err: cause}
}

// bare takes the absolute path off an error of package os, because the key
// says which file it is, and puts what was being done in its place.
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

// isGone reports that a directory, or something in it, has been removed. NFS
// says ESTALE of a directory that is open.
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
