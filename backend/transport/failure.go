package transport

import (
	"fmt"
	"net/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// Failure returns the Failure for an error of that kind whose response had that header:
// how long to wait, and with object.ErrRange the object's size.
func Failure(kind error, header http.Header) object.Failure {
	f := object.Failure{Kind: kind, Size: -1, RetryAfter: RetryAfter(header)}
	if kind == object.ErrRange {
		f.Size = rangeio.RefusedSize(header.Get("Content-Range"))
	}
	return f
}

// Foreign returns the error of a response that is not from the service itself, or does
// not match the request, such as a page of a proxy. It is of kind
// ltxstore.ErrUnavailable.
func Foreign(format string, args ...any) error {
	return fmt.Errorf("%w: unexpected response, perhaps from a proxy: %s", ltxstore.ErrUnavailable, fmt.Sprintf(format, args...))
}
