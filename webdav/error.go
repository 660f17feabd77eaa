package webdav

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
)

// statusError is an answer that is not success.
type statusError struct {
	method string
	code   int
	header http.Header
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered with %d %s", e.method, e.code, http.StatusText(e.code))
}

// statusOf returns the status of an answer that is not success, else 0.
func statusOf(err error) int {
	var status *statusError
	if errors.As(err, &status) {
		return status.code
	}
	return 0
}

// Classify implements tree.Tree.
func (s *server) Classify(err error) tree.Failure {
	if kind := ltxstore.KindOf(err); kind != nil {
		return tree.Failure{Kind: kind}
	}
	if errors.Is(err, fs.ErrExist) {
		return tree.Failure{Kind: fs.ErrExist}
	}
	var status *statusError
	if !errors.As(err, &status) {
		if transport.IsBroken(err) {
			return tree.Failure{Kind: ltxstore.ErrUnavailable}
		}
		return tree.Failure{}
	}
	f := tree.Failure{RetryAfter: transport.RetryAfter(status.header)}
	switch status.code {
	case http.StatusNotFound, http.StatusGone, http.StatusConflict: // 409: a collection above is missing
		f.Kind = fs.ErrNotExist
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Kind = fs.ErrPermission
	case http.StatusTooManyRequests:
		f.Kind = ltxstore.ErrThrottled
	case http.StatusLocked:
		f.Kind = ltxstore.ErrUnavailable
	case http.StatusInsufficientStorage: // permanent until someone makes room
	default:
		if backend.IsRetryableStatus(status.code) {
			f.Kind = ltxstore.ErrUnavailable
		}
	}
	return f
}
