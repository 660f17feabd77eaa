package transport

import (
	"errors"
	"io/fs"
	"net/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// KindOfStatus returns the kind of a response if only its HTTP status is known, or nil. A
// 404 has none, because it may come from a proxy.
func KindOfStatus(code int) error {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fs.ErrPermission
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		return ltxstore.ErrThrottled
	case code == http.StatusNotImplemented, code == http.StatusMethodNotAllowed:
		return errors.ErrUnsupported
	case backend.IsRetryableStatus(code):
		return ltxstore.ErrUnavailable
	}
	return nil
}
