package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// given is a setting that was given.
type given struct {
	*row
	name  string // the setting's name, with the key in a map
	rest  string // the key in a map, or the index in a list
	key   string // as it was written
	value string
	where string // inURL, " (line 3)", or nothing

	line, column int // in a file, or 0
}

const inURL = " in the URL"

// placed returns err with the place of the first of the settings that has one.
func placed(err error, of ...given) error {
	for _, v := range of {
		if v.line > 0 {
			return &settings.Placed{Line: v.line, Column: v.column, Err: err}
		}
	}
	return err
}

// String returns the setting as it was written, and where.
func (v given) String() string { return v.key + v.where }

// list has settings in the order in which they were given. The items of a list are
// settings with the same name.
type list []given

// find returns the index of the setting with a name, or -1.
func (l list) find(name string) int {
	return slices.IndexFunc(l, func(v given) bool { return v.name == name })
}

// part is the part of a Source for the backend or for one of its wrappers.
type part struct {
	*Table
	own, defaults list
	err           error // of what was given and cannot be read
}

// part returns the part of t, from settings that were not read yet.
func (t *Table) part(own, defaults list) part {
	p := part{Table: t}
	var errOwn, errDefaults error
	p.own, errOwn = t.read(own)
	p.defaults, errDefaults = t.read(defaults)
	p.err = settings.Join(errOwn, errDefaults)
	return p
}

// values returns own, and the defaults that it neither replaces nor excludes.
func (p part) values() list {
	all := slices.Clone(p.own)
	for _, v := range p.defaults {
		if !slices.ContainsFunc(p.own, func(o given) bool {
			return o.name == v.name || slices.Contains(o.exclude, v.name) || slices.Contains(v.exclude, o.name)
		}) {
			all = append(all, v)
		}
	}
	return all
}

// decode decodes the part of a backend into its cfg, and reports whether the
// layout is to be found out. In that case, and if the part names no layout,
// the layout is the given one.
func (p part) decode(layout string, cfg reflect.Value) (findLayout bool, err error) {
	values := p.values()
	if i := values.find(layoutName); i < 0 || values[i].value == auto {
		if findLayout = i >= 0 || layout == auto; i >= 0 {
			values = slices.Delete(values, i, i+1)
		}
		if r, _, ok := p.find(layoutName); ok && layout != auto && layout != "" {
			values = append(values, given{row: r, name: layoutName, key: layoutName, value: layout})
		}
	}
	return findLayout, settings.Join(p.err, fill(cfg, values))
}

// fill sets the fields of cfg to values.
func fill(cfg reflect.Value, values list) error {
	var wrong []error
	for _, v := range values {
		for _, other := range v.exclude {
			if i := values.find(other); i >= 0 {
				wrong = append(wrong, placed(fmt.Errorf("%v and %v are the same setting: want one of them", v, values[i]), v, values[i]))
			}
		}
	}
	for _, v := range values {
		if err := v.set(cfg, v.rest, v.value); err != nil {
			wrong = append(wrong, placed(fmt.Errorf("%v is %s: %w", v, v.quote(v.value), err), v))
		}
	}
	return settings.Join(wrong...)
}

// quote returns a value in quotes, or "not shown" if it may be a secret.
func (r *row) quote(value string) string {
	if r.secret || r.names[0] == enabled && strings.Contains(value, "://") {
		return "not shown"
	}
	return settings.Quote(value)
}

// fromURL returns the settings in the URL of a backend, not yet parsed. placeOf is
// Backend.Place.
func (t *Table) fromURL(raw string, placeOf func(URL) (map[string]string, error)) (list, error) {
	if raw == "" {
		return nil, nil
	}
	u, err := ParseURL(raw)
	if err != nil {
		return nil, err
	}
	if name, ok := t.misplaced(raw); ok {
		return nil, fmt.Errorf("the setting %s is in the URL's path: want ? before the first setting, and & before the others", name)
	}
	place, err := placeOf(u)
	var found list
	for _, key := range slices.Sorted(maps.Keys(place)) {
		if place[key] != "" {
			found = append(found, given{key: key, value: place[key], where: inURL})
		}
	}
	return append(found, u.query...), err
}

// misplaced returns the name of a setting that is in the path of a URL, because another
// character was written instead of the question mark.
func (t *Table) misplaced(raw string) (name string, ok bool) {
	place, _, _ := strings.Cut(raw, "?")
	for _, part := range strings.FieldsFunc(place, func(r rune) bool { return r == '&' || r == ';' })[1:] {
		name, _, isSetting := strings.Cut(part, "=")
		if _, _, known := t.find(name); known && isSetting {
			return name, true
		}
	}
	return "", false
}

// noPlace is the Place of a backend that has none.
func noPlace(u URL) (map[string]string, error) {
	if u.Host != "" || u.HasUser || u.Path != "" {
		return nil, errors.New("the URL names a place: want nothing between its scheme and its query")
	}
	return nil, nil
}

// fromFile returns what a file gives, not yet read, and item 9 of a list before
// item 10.
func fromFile(texts map[string]string, where func(string) (line, column int)) (found list) {
	for key, value := range texts {
		v := given{key: key, value: value}
		if where != nil {
			v.line, v.column = where(key)
		}
		switch {
		case v.line > 0 && v.column > 0:
			v.where = fmt.Sprintf(" (line %d, column %d)", v.line, v.column)
		case v.line > 0:
			v.where = fmt.Sprintf(" (line %d)", v.line)
		}
		found = append(found, v)
	}
	stem := func(v given) string { return strings.TrimRight(v.key, "0123456789") }
	slices.SortFunc(found, func(a, b given) int {
		return cmp.Or(cmp.Compare(stem(a), stem(b)), cmp.Compare(len(a.key), len(b.key)), cmp.Compare(a.key, b.key))
	})
	return found
}

// read returns what was given with its rows, but for what is wrong. An empty value means the default. A
// setting may be given twice with the same value, but not with different values,
// except for a list, which grows, but not in two places.
func (t *Table) read(all list) (found list, err error) {
	var wrong []error
	for _, v := range all {
		var ok bool
		if v.row, v.rest, ok = t.find(v.key); !ok {
			wrong = append(wrong, placed(t.unknown(v), v))
			continue
		}
		v.name = v.row.key(v.rest)
		isList := v.kind == kindList
		before := slices.IndexFunc(found, func(o given) bool {
			return o.name == v.name && (!isList || v.rest != "" && o.rest == v.rest || (o.where == inURL) != (v.where == inURL))
		})
		switch {
		case v.value == "" && t.mayBeEmpty(v.row):
		case before < 0:
			found = append(found, v)
		case isList || found[before].value != v.value:
			wrong = append(wrong, differ(found[before], v))
		}
	}
	return found, settings.Join(wrong...)
}

// mayBeEmpty reports whether an empty value, such as that of an empty
// variable, means that the setting was not given. For a limit and for the
// switch of a wrapper, it is an error instead.
func (t *Table) mayBeEmpty(r *row) bool {
	if r.kind == kindMap || r.kind == kindList || len(r.index) == 0 {
		return false
	}
	typ := t.typ.FieldByIndex(r.index).Type
	return typ.Kind() != reflect.Pointer || typ.Elem().Kind() == reflect.Bool
}

// differ returns the error for two values of one setting.
func differ(a, b given) error {
	return placed(fmt.Errorf("%v is %s and %v is %s: want one of them", a, a.quote(a.value), b, b.quote(b.value)), a, b)
}
