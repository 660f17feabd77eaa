package ltxstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// explaining is what a driver of package backend/settings knows of the field
// that is its name.
type explaining string

func (e explaining) Explain(src ltxstore.Source, wrong *settings.FieldError) (string, bool) {
	home, _ := src.Getenv("HOME")
	return fmt.Sprintf("setting %s in %s: %s", e, home, wrong.Want), wrong.Field == string(e)
}

type explainingDriver struct {
	partial
	explaining
}

type explainingWrapper struct {
	marking
	explaining
}

func TestExplain(t *testing.T) {
	driver := &explainingDriver{explaining: "Place"}
	ltxstore.Register(driver, "place")
	var got, checked []ltxstore.Source
	settings.Wrappers().Add(explainingWrapper{marking{"explained", &got, &checked, nil, nil}, "Outer"}, "explained")

	field := func(name string) *settings.FieldError {
		return &settings.FieldError{Field: name, Value: 1, Want: "want 2"}
	}
	failed := func(cause error) error {
		return &ltxstore.Error{Op: "init", Backend: "x", Kind: fs.ErrInvalid, Err: cause}
	}
	at := func(string) (string, bool) { return "/there", true }
	src := ltxstore.Source{URL: "place://x?explained=true", Getenv: at}
	for name, tt := range map[string]struct {
		src  ltxstore.Source
		err  error
		want string
	}{
		"of the backend":      {src, failed(field("Place")), "x: init: invalid argument: setting Place in /there: want 2"},
		"of a wrapper":        {src, failed(field("Outer")), "x: init: invalid argument: setting Outer in /there: want 2"},
		"wrapped":             {src, fmt.Errorf("open: %w", field("Place")), "open: setting Place in /there: want 2"},
		"the process's own":   {ltxstore.Source{URL: "place://x"}, field("Place"), "setting Place in " + os.Getenv("HOME") + ": want 2"},
		"another field":       {src, failed(field("Other")), ""},
		"about no field":      {src, failed(errors.New("no")), ""},
		"a text of its own":   {src, &renamed{field("Place")}, ""},
		"a source that fails": {ltxstore.Source{URL: "gone://"}, failed(field("Place")), ""},
		"a driver without it": {ltxstore.Source{URL: register(&recorder{}) + "://x"}, failed(field("Place")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			told := tt.src.Explain(tt.err)
			if tt.want == "" {
				assert.Same(t, tt.err, told)
				return
			}
			assert.EqualError(t, told, tt.want)
			assert.Equal(t, ltxstore.KindOf(tt.err), ltxstore.KindOf(told))
			var wrong *settings.FieldError
			assert.ErrorAs(t, told, &wrong)
			if _, ok := tt.err.(*ltxstore.Error); ok {
				assert.IsType(t, tt.err, told)
			}
		})
	}
	assert.NoError(t, src.Explain(nil))
}

// renamed is an error whose text does not show its cause.
type renamed struct{ err error }

func (r *renamed) Error() string { return "something is wrong" }
func (r *renamed) Unwrap() error { return r.err }
