package settings

import "strings"

// Errors are all errors in a URL or a file, in the order of the text.
type Errors []error

// Error returns one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors, for errors.Is and errors.As.
func (e Errors) Unwrap() []error { return e }

// Join returns errs as one error: nil if all are nil, and the error itself if
// there is only one.
func Join(errs ...error) error {
	var all Errors
	for _, err := range errs {
		all = append(all, Split(err)...)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// Split returns the errors that Join combined.
func Split(err error) []error {
	switch err := err.(type) {
	case nil:
		return nil
	case Errors:
		return err
	default:
		return []error{err}
	}
}

// Each applies f to each of the errors that Join combined, and joins the
// results.
func Each(err error, f func(error) error) error {
	var all []error
	for _, err := range Split(err) {
		all = append(all, f(err))
	}
	return Join(all...)
}
