package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/ltxstore/ltxstore"
)

// message returns the text of an error for the user. Errors about settings do
// not begin with the package that found them.
func message(err error) string {
	text := err.Error()
	var e *ltxstore.Error
	for inner := err; errors.As(inner, &e); inner = e.Err {
		if e.Op == "init" && e.Kind == fs.ErrInvalid && e.Err != nil {
			text = strings.ReplaceAll(text, e.Error(), e.Err.Error())
		}
	}
	return strings.TrimRight(text, ".")
}

// advice says what to do about an error, unless the error itself does.
func advice(err error) string {
	path, failed := new(fs.PathError), new(ltxstore.Error)
	onDisk := errors.As(err, &path) || errors.As(err, &failed) && failed.Backend == "file"
	switch {
	case errors.Is(err, ltxstore.ErrStoreNotFound):
		return "; check the name of the bucket or directory"
	case errors.Is(err, fs.ErrPermission) && onDisk:
		return "; check this user's permissions"
	case errors.Is(err, fs.ErrPermission) && (strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "read-only")):
		return "" // it says what is wrong
	case errors.Is(err, fs.ErrPermission):
		return "; check the credentials and their permissions"
	case errors.Is(err, ltxstore.ErrThrottled), errors.Is(err, ltxstore.ErrUnavailable):
		return "; check that the service is running, or try again later"
	}
	return ""
}
