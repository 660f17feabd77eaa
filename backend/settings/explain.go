package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
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
	name, want := t.prefix()+r.names[0], t.rename(wrong.Want)
	v, found := t.lookup(src, r.names[0], index)
	switch {
	case wrong.Err != nil && found:
		return fmt.Sprintf("%s%s: %s", v.key, v.where, t.rename(wrong.Err.Error())), true
	case wrong.Err != nil:
		return fmt.Sprintf("%s: %s", name, t.rename(wrong.Err.Error())), true
	case found:
		return fmt.Sprintf("%s%s is %s: %s", v.key, v.where, r.quote(v.value), want), true
	case wrong.Missing():
		return fmt.Sprintf("%s is missing: %s", name, want), true
	}
	return (&settings.FieldError{Field: name, Value: wrong.Value, Want: want}).Error(), true
}

// lookup returns the setting with a name, or the item or key of it that index
// names.
func (t *Table) lookup(src ltxstore.Source, name, index string) (v given, ok bool) {
	values, defaults, _ := t.collect(src)
	t.inherit(values, defaults)
	if v, ok = values[name]; !ok {
		v, ok = values[name+"."+index]
		return v, ok
	}
	for n, it := range v.items {
		if fmt.Sprint(n) == index {
			return given{key: it.key, value: it.value, where: it.where}, true
		}
	}
	return v, true
}

// rename replaces the names of fields by those of their settings.
func (t *Table) rename(text string) string {
	// A name within a path or in quotes comes from the user.
	isWord := func(c byte) bool {
		return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(`-_/\"`, c) >= 0
	}
	rows := slices.Clone(t.rows)
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(len(b.field), len(a.field)) }) // "MaxConns" is in "Retry.MaxConns"
	for _, r := range rows {
		for from := 0; ; {
			i := strings.Index(text[from:], r.field)
			if i < 0 {
				break
			}
			i, from = from+i, from+i+len(r.field)
			if i > 0 && (isWord(text[i-1]) || text[i-1] == '.') || from < len(text) && isWord(text[from]) {
				continue
			}
			name := t.prefix() + r.names[0]
			text = text[:i] + name + text[from:]
			from = i + len(name)
		}
	}
	return text
}
