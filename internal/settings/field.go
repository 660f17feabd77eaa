package settings

import (
	"fmt"
	"reflect"
	"time"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// FieldError is an invalid field of a Config. It has the name of the Go field,
// which package backend/settings replaces with the name of the setting in the URL
// or the file.
type FieldError struct {
	// Field is the field's name: "PartSize", "Retry.MaxDelay", "Tags[env]".
	Field string

	// Value is the field's value. It is not a secret.
	Value any

	// Want describes valid values: "want 0 (default) or more".
	Want string

	// Err, if not nil, replaces Value and Want.
	Err error
}

// Error returns one line: "PartSize is 4: want 0 (default) or more". It contains no
// secret, even if one is in the wrong field.
func (e *FieldError) Error() string {
	if e.Err != nil {
		return e.Field + ": " + scrub.Text(e.Err.Error())
	}
	var value string
	switch v := e.Value.(type) {
	case time.Duration:
		value = v.String()
	case string:
		value = Quote(v)
	default:
		value = scrub.Text(fmt.Sprintf("%#v", v))
	}
	return e.Field + " is " + value + ": " + scrub.Text(e.Want)
}

// Unwrap returns Err.
func (e *FieldError) Unwrap() error { return e.Err }

// Missing reports whether the field is required but not set.
func (e *FieldError) Missing() bool {
	v := reflect.ValueOf(e.Value)
	return !v.IsValid() || v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}
