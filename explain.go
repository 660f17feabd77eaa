package ltxstore

import (
	"errors"
	"os"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// Explain returns err, an error of a client of src, with settings in place of
// Go fields: if err names a field of a Config, the text of the new error
// names the setting instead, as it was written in src and with its place. The
// errors of Open and Check need no Explain; those of Init do, which are about
// things that only Init can find out, such as a certificate file that cannot
// be read. errors.Is and errors.As give the same results for both errors. No
// error shows a secret.
func (src Source) Explain(err error) error {
	var wrong *settings.FieldError
	if !errors.As(err, &wrong) {
		return err
	}
	p, failed := src.split()
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

// explain is Explain with one driver, which may not have the field.
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

// explained is an error with another text.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }
