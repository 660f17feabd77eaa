package settings

import "strings"

// Errors are all that is wrong in a URL or a file, in the order in which it is there.
type Errors []error

// Error returns a line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors, for errors.Is and errors.As.
func (e Errors) Unwrap() []error { return e }

// Join returns errs as one error: nil if there is none, and the error itself if it
// is the only one.
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

// Split returns the errors that Join has made one.
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

// Each returns err with f applied to each of the errors that Join has made one.
func Each(err error, f func(error) error) error {
	var all []error
	for _, err := range Split(err) {
		all = append(all, f(err))
	}
	return Join(all...)
}
