package ltxstore

import (
	"fmt"
	"slices"
	"strings"
)

// maxNamed is the maximum number of failures in the message of a PartialError.
// During an outage, thousands of deletions fail, and a log line has to remain
// readable.
const maxNamed = 20

// PartialError is the error of a deletion of several files (clause D1). It
// has an *Error for each file that was not deleted; all others were.
//
// If KindOf returns the same kind for all failures, that is also the kind of the
// PartialError, and otherwise it has none. It is retryable if all failures are.
type PartialError struct {
	// Failed are the failures. errors.As finds each of them. So does errors.Is,
	// except for kinds.
	Failed []error

	// Total is the number of files to delete, or 0 if it is not known.
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

// Is reports whether target is the kind of every failure.
func (e *PartialError) Is(target error) bool {
	return isKind(target) && len(e.Failed) > 0 &&
		!slices.ContainsFunc(e.Failed, func(err error) bool { return KindOf(err) != target })
}

// Unwrap returns the failures, with their kinds hidden.
func (e *PartialError) Unwrap() []error {
	failed := make([]error, len(e.Failed))
	for i, err := range e.Failed {
		failed[i] = unkind{err}
	}
	return failed
}
