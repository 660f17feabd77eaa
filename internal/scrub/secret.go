package scrub

import (
	"fmt"
	"io"
)

// Secret stands for the secret value of a field in an error. It is only its length.
type Secret int

// GoString returns a text that shows only whether the value is empty.
func (s Secret) GoString() string {
	if s == 0 {
		return "empty"
	}
	return "not shown"
}

// Redacted returns the text for a secret of this length in a printed configuration.
func Redacted(length int) string {
	if length == 0 {
		return `""`
	}
	return "[redacted]"
}

// Format implements fmt.Formatter for types with secrets: it writes text for every verb, including
// those, such as %d, for which package fmt does not call String.
func Format(f fmt.State, text string) { _, _ = io.WriteString(f, text) }
