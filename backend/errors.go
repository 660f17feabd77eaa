package backend

import (
	"errors"
	"io/fs"
	"strconv"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Invalid returns an *ltxstore.Error of kind fs.ErrInvalid for an argument or a
// configuration field: field is its name, value its value, which must not be a
// secret, and want what is expected. If the field was set in a URL or a file,
// ltxstore.Open replaces its name with that of the setting.
func Invalid(backend, op, field string, value any, want string) error {
	return &ltxstore.Error{Op: op, Backend: backend, Field: field, Kind: fs.ErrInvalid,
		Err: &settings.FieldError{Field: field, Value: value, Want: want}}
}

// Refused is like Invalid for a field that another package rejected with err. If
// field is empty, it is the field that err names, as the errors of NewKeys and
// ltxstore.Retry.Validate do.
func Refused(backend, op, field string, err error) error {
	var wrong *settings.FieldError
	switch {
	case field != "":
		err = &settings.FieldError{Field: field, Err: err}
	case errors.As(err, &wrong):
		field = wrong.Field
	}
	return &ltxstore.Error{Op: op, Backend: backend, Field: field, Kind: fs.ErrInvalid, Err: err}
}

// InitError returns the error of an Init that failed with err. An *ltxstore.Error
// is returned unchanged; any other error is wrapped in one of the same kind, with
// its Field if it names one, as the errors of NewKeys and ltxstore.Retry.Validate
// do.
func InitError(backend string, err error) error {
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	failed := &ltxstore.Error{Op: "init", Backend: backend, Kind: ltxstore.KindOf(err), Err: err}
	if wrong := new(settings.FieldError); errors.As(err, &wrong) {
		failed.Field = wrong.Field
	}
	return failed
}

// Partial returns the error of a deletion with failures: nil if there are none, the
// failure itself if there is one, and otherwise an *ltxstore.Error with an
// *ltxstore.PartialError, whose Kind is that of all failures, or nil if they differ.
// The elements of failed must be *ltxstore.Error values that name their file.
func Partial(backend, op string, failed []error, total int) error {
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return failed[0]
	}
	partial := &ltxstore.PartialError{Failed: failed, Total: total}
	return &ltxstore.Error{Op: op, Backend: backend, Kind: ltxstore.KindOf(partial), Err: partial}
}

// IsRetryableStatus reports whether a request that failed with this HTTP status code
// may succeed if it is repeated: 408, 429 and 5xx except 501 (not implemented) and
// 505 (version not supported).
func IsRetryableStatus(code int) bool { return ltxstore.IsRetryable(status(code)) }

// status is the error of an HTTP response.
type status int

func (s status) Error() string       { return "HTTP status " + strconv.Itoa(int(s)) }
func (s status) HTTPStatusCode() int { return int(s) }
