package thirdparty

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// failure is an answer that is not a success of the store.
type failure struct {
	object.Failure
	text string
}

// Error implements error.
func (e *failure) Error() string { return e.text }

// failed makes an error of an answer. Without the service's own header it is a
// proxy's, which says nothing about a bucket or a key.
func failed(res *http.Response) error {
	code := "the answer is not the service's"
	if res.Header.Get("Kv-Service") != "" {
		code = res.Header.Get("Kv-Error")
	}
	return &failure{
		Failure: object.Failure{Kind: kindOf(code), RetryAfter: transport.RetryAfter(res.Header), Size: rangeio.RefusedSize(res.Header.Get("Content-Range"))},
		text:    fmt.Sprintf("status %d: %.100s", res.StatusCode, code),
	}
}

// kindOf is the error table.
func kindOf(code string) error {
	switch code {
	case "no-bucket":
		return ltxstore.ErrStoreNotFound
	case "no-key":
		return fs.ErrNotExist
	case "condition":
		return object.ErrPrecondition
	case "range":
		return object.ErrRange
	case "denied":
		return fs.ErrPermission
	case "busy":
		return ltxstore.ErrThrottled
	}
	return ltxstore.ErrUnavailable // the service has failed, or something before it
}

// Classify implements object.Bucket.
func (b *bucket) Classify(err error) object.Failure {
	var e *failure
	if errors.As(err, &e) {
		return e.Failure
	}
	return object.Failure{Kind: ltxstore.KindOf(err), Size: -1}
}
