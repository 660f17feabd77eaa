package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// explain returns err with the setting in place of the Go field that it
// names, as it was written and with its place. ok is false if the part has no
// setting for the field; err is then returned as it is.
func (p part) explain(err error) (told error, ok bool) {
	var wrong *settings.FieldError
	if !errors.As(err, &wrong) {
		return err, false
	}
	text, at, ok := p.reworded(wrong)
	if !ok || !strings.Contains(err.Error(), wrong.Error()) {
		return err, false
	}
	if own, isError := err.(*ltxstore.Error); isError && own.Err != nil {
		told := *own
		told.Err, ok = p.explain(own.Err)
		return &told, ok
	}
	return placed(scrub.Reworded(err, strings.Replace(err.Error(), wrong.Error(), text, 1)), at), true
}

// reworded returns the text of wrong with the setting in place of the field,
// and the setting if it was given. ok is false if there is no setting for the
// field.
func (p part) reworded(wrong *settings.FieldError) (text string, at given, ok bool) {
	field, index, indexed := strings.Cut(strings.TrimPrefix(wrong.Field, "Config."), "[")
	index = strings.TrimSuffix(index, "]")
	i := slices.IndexFunc(p.rows, func(r row) bool { return r.field == field })
	if i < 0 {
		return "", given{}, false
	}
	r := &p.rows[i]
	if key, isKey := wrong.Value.(string); isKey && !indexed {
		index = key // of a map
	}
	name, want := p.prefix()+r.names[0], p.rename(scrub.Text(wrong.Want))
	v, found := p.lookup(r.names[0], index)
	switch {
	case wrong.Err != nil && found:
		return fmt.Sprintf("%v: %s", v, p.rename(scrub.Text(wrong.Err.Error()))), v, true
	case wrong.Err != nil:
		return fmt.Sprintf("%s: %s", name, p.rename(scrub.Text(wrong.Err.Error()))), v, true
	case found:
		return fmt.Sprintf("%v is %s: %s", v, r.quote(v.value), want), v, true
	case wrong.Missing():
		return fmt.Sprintf("%s is missing: %s", name, want), v, true
	}
	return (&settings.FieldError{Field: name, Value: wrong.Value, Want: want}).Error(), v, true
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
