package ltxstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxNamed is how many failures the text of a PartialError names at the most:
// a bucket's outage fails thousands of deletions, and a log line is one line.
const maxNamed = 20

// PartialError is what a deletion of several files fails with (clause D1): an
// *Error for each file that was not deleted; the others are.
//
// Its kind is the one that all failures have: errors.Is with a kind tells what
// is true of every file, and KindOf is nil where the failures differ. It is
// retryable if all of them are. Each failure's own kind is in Failed.
type PartialError struct {
	// Failed are the failures. errors.As reaches each, and errors.Is does but
	// for the kinds.
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

// Is reports that target is a kind, and that every failure is of it.
func (e *PartialError) Is(target error) bool {
	return isKind(target) && len(e.Failed) > 0 &&
		!slices.ContainsFunc(e.Failed, func(err error) bool { return !errors.Is(err, target) })
}

// Unwrap gives errors.Is and errors.As the failures, whose kinds are hidden.
func (e *PartialError) Unwrap() []error {
	failed := make([]error, len(e.Failed))
	for i, err := range e.Failed {
		failed[i] = unkind{err}
	}
	return failed
}
