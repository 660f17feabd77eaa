package ltxstore

import (
	"errors"
	"os"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// Explain returns err, which a client of src has returned, in the words of src:
// where it names a field of a Config in Go, its text names the setting that the
// field was set by, as it was written and with its place. What Open and Check
// return is so already; what only Init can find out, such as a file of
// certificates that cannot be read, is not. errors.Is and errors.As see what
// they saw. No error shows a secret.
func (src Source) Explain(err error) error {
	var wrong *settings.FieldError
	if !errors.As(err, &wrong) {
		return err
	}
	p, failed := src.peel()
	if failed != nil {
		return err
	}
	if told := explain(err, p.driver, p.store); told != err {
		return told
	}
	for _, layer := range p.layers {
		if told := explain(err, layer.driver, layer.src); told != err {
			return told
		}
	}
	return err
}

// explain is Explain by one driver, which may not know the field.
func explain(err error, driver any, src Source) error {
	var wrong *settings.FieldError
	table, ok := driver.(interface {
		Explain(Source, *settings.FieldError) (string, bool)
	})
	if !ok || !errors.As(err, &wrong) {
		return err
	}
	if src.Getenv == nil {
		src.Getenv = os.LookupEnv
	}
	text, ok := table.Explain(src, wrong)
	if !ok || !strings.Contains(err.Error(), wrong.Error()) {
		return err
	}
	if own, ok := err.(*Error); ok && own.Err != nil {
		told := *own
		told.Err = explain(own.Err, driver, src)
		return &told
	}
	return &explained{text: strings.Replace(err.Error(), wrong.Error(), text, 1), err: err}
}

// explained has the text of another error in other words.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }
