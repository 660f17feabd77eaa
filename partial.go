package ltxstore

import (
	"fmt"
	"strings"
)

// maxNamed is how many failures the text of a PartialError names at the most:
// a bucket's outage fails thousands of deletions, and a log line is one line.
const maxNamed = 20

// PartialError is what a deletion of several files fails with (clause D1): an
// *Error for each file that was not deleted; the others are.
type PartialError struct {
	// Failed are the failures. errors.Is and errors.As reach each.
	Failed []error

	// Total is the number of files that were to be deleted, 0 if unknown.
	Total int
}

// Error names the first twenty failures and counts the rest.
func (e *PartialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", len(e.Failed))
	if e.Total > 0 {
		fmt.Fprintf(&b, " of %d", e.Total)
	}
	b.WriteString(" failed")
	for i, err := range e.Failed {
		if i == maxNamed {
			fmt.Fprintf(&b, "; and %d more", len(e.Failed)-maxNamed)
			break
		}
		b.WriteString("; ")
		b.WriteString(err.Error())
	}
	return b.String()
}

// Unwrap returns the failures.
func (e *PartialError) Unwrap() []error { return e.Failed }

// Partial makes one error of a deletion's failures: nil of none, the failure
// itself of a single one, else an *Error with a *PartialError. failed must be
// *Error values that name their file.
func Partial(backend, op string, failed []error, total int) error {
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return failed[0]
	}
	return &Error{Op: op, Backend: backend, Err: &PartialError{Failed: failed, Total: total}}
}
