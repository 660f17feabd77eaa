package transport

import (
	"fmt"
	"net/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// Failure returns what an answer with this header, of an error of this kind, says:
// when to ask again, and with object.ErrRange the object's size.
func Failure(kind error, header http.Header) object.Failure {
	f := object.Failure{Kind: kind, Size: -1, RetryAfter: RetryAfter(header)}
	if kind == object.ErrRange {
		f.Size = rangeio.RefusedSize(header.Get("Content-Range"))
	}
	return f
}

// Foreign is the error of an answer that is not the service's own, or does not
// answer the request: a proxy's page, a document of something else. It is of kind
// ltxstore.ErrUnavailable.
func Foreign(format string, args ...any) error {
	return fmt.Errorf("%w: the answer is not the service's: %s", ltxstore.ErrUnavailable, fmt.Sprintf(format, args...))
}
