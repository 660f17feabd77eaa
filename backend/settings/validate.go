package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Validate returns an error of kind fs.ErrInvalid for the first field of a
// Config that violates its tags, or nil. It checks that numbers are not
// negative and within min and max, that texts match oneof and match, that
// layouts exist, that paths and ltxstore.Retry values are valid, and that no
// two fields are set that exclude each other. typeName is the client's Type.
func Validate(typeName string, cfg any) error {
	v := reflect.ValueOf(cfg)
	for _, err := range settings.Split(tableOf(v.Type()).validate(typeName, v)) {
		return err
	}
	return nil
}

// validate is Validate, and returns the errors of all fields.
func (t *Table) validate(typeName string, v reflect.Value) error {
	var wrong []error
	var seen []int // the ltxstore.Retry that was validated
	for _, r := range t.rows {
		field, outer := v.FieldByIndex(r.index), r.index[:len(r.index)-1]
		if retry, ok := r.retry(v); ok {
			if err := retry.Validate(); err != nil && !slices.Equal(seen, outer) {
				wrong = append(wrong, backend.Refused(typeName, "init", "", err))
			}
			seen = outer
			continue
		}
		if want := r.wants(field); want != "" {
			wrong = append(wrong, backend.Invalid(typeName, "init", r.field, r.plain(field), want))
		} else if err := r.refuses(field); err != nil {
			wrong = append(wrong, backend.Refused(typeName, "init", r.field, err))
		}
		for _, name := range r.exclude {
			at := t.named(name)
			if at < 0 || isEmpty(field) || isEmpty(v.FieldByIndex(t.rows[at].index)) {
				continue
			}
			wrong = append(wrong, backend.Invalid(typeName, "init", r.field, r.plain(field), "want it, or "+t.rows[at].field+", not both"))
		}
	}
	for _, r := range t.removed {
		if field := v.FieldByIndex(r.index); !isEmpty(field) {
			wrong = append(wrong, backend.Invalid(typeName, "init", r.field, r.plain(field), "want the zero value: there is nothing of the kind here"))
		}
	}
	return settings.Join(wrong...)
}

// retry returns the ltxstore.Retry of a Config that the row is a field of.
func (r *row) retry(cfg reflect.Value) (retry ltxstore.Retry, ok bool) {
	outer := cfg.FieldByIndex(r.index[:len(r.index)-1])
	if outer.Type() != reflect.TypeFor[ltxstore.Retry]() { // Interface would copy the whole Config
		return retry, false
	}
	return outer.Interface().(ltxstore.Retry), true
}

func isEmpty(v reflect.Value) bool {
	return v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

// plain returns the value of a field as errors show it.
func (r *row) plain(v reflect.Value) any {
	switch {
	case r.secret:
		return scrub.Secret(v.Len())
	case v.Kind() == reflect.String:
		return v.String() // without the name of its type
	}
	return v.Interface()
}

// wants returns what would be right in place of a value, or the empty string
// if the value is right.
func (r *row) wants(v reflect.Value) string {
	switch {
	case v.CanInt():
		n := v.Int()
		if n != 0 && n < r.min || r.max > 0 && n > r.max {
			return r.wantRange(v.Type() == reflect.TypeFor[time.Duration]())
		}
	case v.Kind() == reflect.String && v.Len() > 0:
		if len(r.oneof) > 0 && !slices.Contains(r.oneof, v.String()) {
			return fmt.Sprintf(`want "%s" or "%s"`, strings.Join(append([]string{""}, r.oneof[:len(r.oneof)-1]...), `", "`), r.oneof[len(r.oneof)-1])
		}
		if r.match != nil && !r.match().MatchString(v.String()) {
			return "want " + r.want
		}
	}
	return ""
}

func (r *row) wantRange(isDuration bool) string {
	unit := ""
	if r.kind == kindSize {
		unit = " in bytes"
	}
	words := strings.NewReplacer("MiB", " MiB", "GiB", " GiB", "KiB", " KiB")
	least, most := words.Replace(r.text["min"]), words.Replace(r.text["max"])
	switch {
	case isDuration || least == "" && most == "":
		return "want 0 (default) or more"
	case least == "":
		return "want 0 (default), or at most " + most + unit
	case most == "":
		return "want 0 (default), or at least " + least + unit
	}
	return "want 0 (default), or " + least + " to " + most + unit
}

// refuses returns the error of the package that a value belongs to.
func (r *row) refuses(v reflect.Value) (err error) {
	if r.path {
		_, err = backend.CleanPath(v.String())
	}
	if layout, ok := v.Interface().(ltxstore.Layout); ok {
		_, err = layout.MarshalText()
	}
	return err
}
