package scrub

import (
	"fmt"
	"io"
)

// Secret stands for the value of a field that may not be shown, in an error
// that tells a field's value. Its length is all that it knows.
type Secret int

// GoString tells only whether there is a value.
func (s Secret) GoString() string {
	if s == 0 {
		return "empty"
	}
	return "not shown"
}

// Redacted stands for a secret of this length in a configuration that is
// printed.
func Redacted(length int) string {
	if length == 0 {
		return `""`
	}
	return "[redacted]"
}

// Format is a Format method of what holds secrets: text for every verb, also
// for those, such as %d, for which fmt calls no String.
func Format(f fmt.State, text string) { _, _ = io.WriteString(f, text) }
