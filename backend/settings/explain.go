package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Explain returns the text of wrong with the setting in place of the Go
// field, as it is written in src and with its place. ok is false if there is
// no setting for the field.
func (t *Table) Explain(src ltxstore.Source, wrong *settings.FieldError) (text string, ok bool) {
	field, index, indexed := strings.Cut(strings.TrimPrefix(wrong.Field, "Config."), "[")
	index = strings.TrimSuffix(index, "]")
	i := slices.IndexFunc(t.rows, func(r row) bool { return r.field == field })
	if i < 0 {
		return "", false
	}
	r := &t.rows[i]
	if key, isKey := wrong.Value.(string); isKey && !indexed {
		index = key // of a map
	}
	name, want := t.prefix()+r.names[0], t.rename(scrub.Text(wrong.Want))
	v, found := t.lookup(src, r.names[0], index)
	switch {
	case wrong.Err != nil && found:
		return fmt.Sprintf("%v: %s", v, t.rename(scrub.Text(wrong.Err.Error()))), true
	case wrong.Err != nil:
		return fmt.Sprintf("%s: %s", name, t.rename(scrub.Text(wrong.Err.Error()))), true
	case found:
		return fmt.Sprintf("%v is %s: %s", v, r.quote(v.value), want), true
	case wrong.Missing():
		return fmt.Sprintf("%s is missing: %s", name, want), true
	}
	return (&settings.FieldError{Field: name, Value: wrong.Value, Want: want}).Error(), true
}

// lookup returns the setting with a name, or the item or key of it that index
// names.
func (t *Table) lookup(src ltxstore.Source, name, index string) (v given, ok bool) {
	own, defaults, _ := t.given(src)
	found := slices.DeleteFunc(inherit(own, defaults), func(v given) bool {
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
