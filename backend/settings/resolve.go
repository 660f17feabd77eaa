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

	inherited    bool // of Source.Defaults
	line, column int  // in a file, or 0
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

// of returns the settings that are inherited, or the others.
func (l list) of(inherited bool) list {
	return slices.DeleteFunc(slices.Clone(l), func(v given) bool { return v.inherited != inherited })
}

// part is the part of a Source for the backend or for one of its wrappers.
type part struct {
	*Table
	given list
	err   error // of what was given and cannot be read
}

// add adds a setting, or the error if there is something wrong with it. An empty value
// means the default. A setting may be given twice with the same value, but not with
// different values, except for a list, which grows, but not in two places.
func (p *part) add(v given) {
	var ok bool
	if v.row, v.rest, ok = p.find(v.key); !ok {
		p.err = settings.Join(p.err, placed(p.unknown(v), v))
		return
	}
	v.name = v.row.key(v.rest)
	isList := v.kind == kindList
	before := slices.IndexFunc(p.given, func(o given) bool {
		return o.inherited == v.inherited && o.name == v.name &&
			(!isList || v.rest != "" && o.rest == v.rest || (o.where == inURL) != (v.where == inURL))
	})
	switch {
	case v.value == "" && p.mayBeEmpty(v.row):
	case before < 0:
		p.given = append(p.given, v)
	case isList || p.given[before].value != v.value:
		o := p.given[before]
		p.err = settings.Join(p.err, placed(fmt.Errorf("%v is %s and %v is %s: want one of them", o, o.quote(o.value), v, v.quote(v.value)), o, v))
	}
}

// values returns what was given, without what is inherited and which another setting
// replaces or excludes.
func (p part) values() list {
	own := p.given.of(false)
	return append(own, slices.DeleteFunc(p.given.of(true), func(v given) bool {
		return slices.ContainsFunc(own, func(o given) bool {
			return o.name == v.name || slices.Contains(o.exclude, v.name) || slices.Contains(v.exclude, o.name)
		})
	})...)
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
func fromFile(texts map[string]string, where func(string) (line, column int), inherited bool) (found list) {
	for key, value := range texts {
		v := given{key: key, value: value, inherited: inherited}
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
