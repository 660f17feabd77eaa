package settings

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// explain returns err with the setting, as it was written and with its place, in
// place of the Go field that it names. If the part has no setting for the field, err is
// returned as it is.
func (p part) explain(err *ltxstore.Error) *ltxstore.Error {
	var wrong *settings.FieldError
	if !errors.As(err.Err, &wrong) {
		return err
	}
	field, index, indexed := strings.Cut(strings.TrimPrefix(wrong.Field, "Config."), "[")
	index = strings.TrimSuffix(index, "]")
	if key, isKey := wrong.Value.(string); isKey && !indexed {
		index = key // of a map
	}
	i := slices.IndexFunc(p.rows, func(r row) bool { return r.field == field })
	if i < 0 {
		return err
	}
	r := &p.rows[i]
	v, found := p.lookup(r.names[0], index)
	told := settings.FieldError{Field: p.prefix() + r.names[0], Value: wrong.Value, Want: p.rename(wrong.Want)}
	if wrong.Err != nil {
		told.Err = errors.New(p.rename(wrong.Err.Error()))
	}
	if found {
		told.Field, told.Value = v.String(), v.value
		if r.secret {
			told.Value = scrub.Secret(1)
		}
	}
	text := told.Error()
	if told.Err == nil && !found && wrong.Missing() {
		text = told.Field + " is missing: " + scrub.Text(told.Want)
	}
	explained := *err
	explained.Err = placed(scrub.Reworded(err.Err, strings.Replace(err.Err.Error(), wrong.Error(), text, 1)), v)
	return &explained
}

// lookup returns the setting with a name, or the item or key of it that index
// names.
func (p part) lookup(name, index string) (v given, ok bool) {
	found := slices.DeleteFunc(p.values(), func(v given) bool {
		return v.names[0] != name || v.kind == kindMap && v.rest != index
	})
	if len(found) == 0 {
		return given{}, false
	}
	if n, err := strconv.Atoi(index); err == nil && 0 <= n && n < len(found) {
		return found[n], true
	}
	return found[0], true
}

// words are what rename compares with the names of fields. A name within a
// path or in quotes comes from the user.
var words = regexp.MustCompile(`[\w.\-/\\"]+`)

// rename replaces the names of fields by those of their settings.
func (t *Table) rename(text string) string {
	return words.ReplaceAllStringFunc(text, func(word string) string {
		field := strings.TrimRight(word, ".") // at the end of a sentence
		for _, r := range t.rows {
			if r.field == field {
				return t.prefix() + r.names[0] + word[len(field):]
			}
		}
		return word
	})
}
