package ltxstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	internal "github.com/ltxstore/ltxstore/internal/settings"
)

func TestExplain(t *testing.T) {
	registerMarkers()
	scheme := register(&recorder{})
	field := func(name string) *internal.FieldError {
		return &internal.FieldError{Field: name, Value: 1, Want: "want 2"}
	}
	failed := func(cause error) error {
		return &ltxstore.Error{Op: "init", Backend: "x", Kind: fs.ErrInvalid, Err: cause}
	}
	src := ltxstore.Source{URL: scheme + "://h?alpha.x=5"}
	for name, tt := range map[string]struct {
		src  ltxstore.Source
		err  error
		want string
	}{
		"of the backend":      {src, failed(field("Place")), `x: init: invalid argument: place in the URL is "h": want 2`},
		"of a wrapper":        {src, failed(field("X")), `x: init: invalid argument: alpha.x in the URL is "5": want 2`},
		"not given":           {src, failed(field("Y")), "x: init: invalid argument: alpha.y is 1: want 2"},
		"wrapped":             {src, fmt.Errorf("open: %w", field("Place")), `open: place in the URL is "h": want 2`},
		"another field":       {src, failed(field("Other")), ""},
		"about no field":      {src, failed(errors.New("no")), ""},
		"a text of its own":   {src, &renamed{field("Place")}, ""},
		"a source that fails": {ltxstore.Source{URL: "gone://"}, failed(field("Place")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			told := tt.src.Explain(tt.err)
			if tt.want == "" {
				assert.Same(t, tt.err, told)
				return
			}
			assert.EqualError(t, told, tt.want)
			assert.Equal(t, ltxstore.KindOf(tt.err), ltxstore.KindOf(told))
			var wrong *internal.FieldError
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
