package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// FieldError says what is wrong with a field of a Config, in the words of Go.
// Explain has it in those of who wrote a URL or a file.
type FieldError struct {
	// Field is its name: "PartSize", "Retry.MaxDelay", "Tags[env]".
	Field string

	// Value is what it has. It is no secret.
	Value any

	// Want says what would be right.
	Want string

	// Err, if not nil, says both instead of Value and Want.
	Err error
}

// Error returns one line: "PartSize is 4: want 0 (default) or more".
func (e *FieldError) Error() string {
	if e.Err != nil {
		return e.Field + ": " + e.Err.Error()
	}
	if d, ok := e.Value.(time.Duration); ok {
		return fmt.Sprintf("%s is %v: %s", e.Field, d, e.Want)
	}
	return fmt.Sprintf("%s is %#v: %s", e.Field, e.Value, e.Want)
}

// Unwrap returns Err.
func (e *FieldError) Unwrap() error { return e.Err }

// missing reports that the field was left out.
func (e *FieldError) missing() bool {
	v := reflect.ValueOf(e.Value)
	return !v.IsValid() || v.IsZero() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

// Explain returns what wrong says, with the names that src has for fields and the
// places where it has them. ok is false for a field that no setting is for.
func (t Table[C]) Explain(src Source, wrong *FieldError) (text string, ok bool) {
	names := t.fieldNames()
	field, index, indexed := strings.Cut(strings.TrimPrefix(wrong.Field, "Config."), "[")
	index = strings.TrimSuffix(index, "]")
	name, ok := names[field]
	if !ok {
		return "", false
	}
	want := rename(wrong.Want, names, t.prefix())
	row, _, _ := t.find(t.prefix() + name)
	if row == nil { // a map's rows have a name for each key
		row, _, _ = t.find(t.prefix() + name + ".")
	}
	if key, isKey := wrong.Value.(string); isKey && !indexed {
		index = key // of a map
	}
	v, given := t.lookup(src, name, index)
	switch {
	case wrong.Err != nil && given:
		return fmt.Sprintf("%s%s: %s", v.key, v.where, rename(wrong.Err.Error(), names, t.prefix())), true
	case wrong.Err != nil:
		return fmt.Sprintf("%s%s: %s", t.prefix(), name, rename(wrong.Err.Error(), names, t.prefix())), true
	case given:
		return fmt.Sprintf("%s%s is %s: %s", v.key, v.where, row.shown(v.value), want), true
	case wrong.missing():
		return fmt.Sprintf("%s%s is missing: %s", t.prefix(), name, want), true
	}
	return (&FieldError{Field: t.prefix() + name, Value: wrong.Value, Want: want}).Error(), true
}

// lookup returns the setting of that name, or the item or key of it.
func (t Table[C]) lookup(src Source, name, index string) (v given, ok bool) {
	values, defaults, err := t.collect(src)
	if err != nil {
		return v, false
	}
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

// fieldNames returns the setting of each field that has one.
func (t Table[C]) fieldNames() map[string]string {
	var cfg C
	fields := make(map[uintptr]string)
	addFields(fields, reflect.ValueOf(&cfg).Elem(), "")
	names := make(map[string]string)
	for i := range t.Rows {
		if at := t.Rows[i].To.at; at != nil {
			names[fields[reflect.ValueOf(at(&cfg)).Pointer()]] = t.Rows[i].Name
		}
	}
	return names
}

// rename puts the settings' names in place of the fields'.
func rename(text string, names map[string]string, prefix string) string {
	// A name within a path or in quotes is the user's.
	isWord := func(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' || strings.IndexByte(`-_/\"`, c) >= 0 }
	fields := make([]string, 0, len(names))
	for field := range names {
		fields = append(fields, field)
	}
	slices.SortFunc(fields, func(a, b string) int { return len(b) - len(a) }) // "MaxConns" is in "Retry.MaxConns"
	for _, field := range fields {
		if field == "" {
			continue
		}
		for from := 0; ; {
			i := strings.Index(text[from:], field)
			if i < 0 {
				break
			}
			i, from = from+i, from+i+len(field)
			if i > 0 && (isWord(text[i-1]) || text[i-1] == '.') || from < len(text) && isWord(text[from]) {
				continue
			}
			text = text[:i] + prefix + names[field] + text[from:]
			from = i + len(prefix) + len(names[field])
		}
	}
	return text
}
