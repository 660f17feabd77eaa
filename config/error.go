package config

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Error is an error in a configuration, with its position. errors.As finds it in the
// errors of this package; those that report several problems have a method
// Unwrap() []error, which returns one error for each.
type Error struct {
	// Line and Column are the position of the setting or, if that is unknown or the
	// setting is missing, of the replica. They are 0 if the parser does not provide
	// them.
	Line, Column int

	Err error
}

// Error returns the text of Err, which includes the position.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an error about a setting for the daemon.
func (s Setting) Errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if s.Line > 0 {
		err = fmt.Errorf("line %d, column %d: %w", s.Line, s.Column, err)
	}
	return &Error{s.Line, s.Column, err}
}

// invalid returns an error of kind fs.ErrInvalid with the position of n.
func invalid(n node, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if where := n.where(); where != "" {
		text = where + ": " + text
	}
	return &ltxstore.Error{Op: "init", Backend: "config", Kind: fs.ErrInvalid, Err: &Error{n.line, n.column, errors.New(text)}}
}

// openFailed adds the place of the section to an error.
func openFailed(n node, err error) error {
	at := &settings.Placed{Line: n.line, Column: n.column}
	errors.As(err, &at)
	text := "config: replica: %w"
	if where := n.where(); where != "" {
		text = "config: replica at " + where + ": %w"
	}
	return &Error{at.Line, at.Column, fmt.Errorf(text, err)}
}
