package webdav

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
)

// statusError is a response other than success.
type statusError struct {
	method string
	code   int
	header http.Header
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s returned %d %s", e.method, e.code, http.StatusText(e.code))
}

// statusOf returns the status of a statusError, or 0 for other errors.
func statusOf(err error) int {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.code
	}
	return 0
}

func (s *server) Classify(err error) tree.Failure {
	if kind := tree.KindOf(err); kind != nil {
		return tree.Failure{Kind: kind}
	}
	status, ok := errors.AsType[*statusError](err)
	if !ok {
		if transport.IsBroken(err) {
			return tree.Failure{Kind: ltxstore.ErrUnavailable}
		}
		return tree.Failure{}
	}
	f := tree.Failure{RetryAfter: transport.RetryAfter(status.header)}
	switch status.code {
	case http.StatusNotFound, http.StatusGone:
		f.Kind = fs.ErrNotExist
	case http.StatusConflict: // a parent collection is missing
		if slices.Contains([]string{http.MethodPut, "MOVE", "MKCOL"}, status.method) {
			f.Kind = fs.ErrNotExist
		}
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Kind = fs.ErrPermission
	case http.StatusTooManyRequests:
		f.Kind = ltxstore.ErrThrottled
	case http.StatusLocked:
		f.Kind = ltxstore.ErrUnavailable
	case http.StatusInsufficientStorage: // permanent until space is freed
	default:
		if backend.IsRetryableStatus(status.code) {
			f.Kind = ltxstore.ErrUnavailable
		}
	}
	return f
}
