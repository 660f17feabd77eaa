package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// given is a value, and where it was found.
type given struct {
	key   string // as it was written
	value string
	where string // " in the URL", " (line 3)", or nothing
}

// Resolve returns the Config that src describes, and whether it leaves the
// layout to be found out: then it is Source.Layout, as where none is named.
// What of the Config's fields is wrong in itself is the backend's to say.
func (t Table[C]) Resolve(src Source) (cfg C, auto bool, err error) {
	values, err := t.collect(src)
	if err != nil {
		return cfg, false, err
	}
	for _, pair := range t.Exclude {
		first, ok := values[pair[0]]
		second, both := values[pair[1]]
		if ok && both {
			return cfg, false, fmt.Errorf("%s%s and %s%s say the same thing: want one of them", first.key, first.where, second.key, second.where)
		}
	}
	if layout, ok := values[LayoutName]; !ok || layout.value == Auto {
		auto = ok || src.Layout == Auto
		values[LayoutName] = given{LayoutName, strings.TrimPrefix(src.Layout, Auto), ""}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		for _, name := range slices.Sorted(maps.Keys(values)) {
			head, rest, dotted := strings.Cut(name, ".")
			if head != row.Name || dotted != row.To.many {
				continue
			}
			v := values[name]
			if err := row.To.set(&cfg, rest, v.value); err != nil {
				return cfg, false, explain(row, v, err)
			}
		}
	}
	return cfg, auto, nil
}

// Open is the Open of a driver: it resolves src, has the Config completed or
// refused, and makes the client R of it.
func Open[C, R any](t Table[C], src Source, check func(cfg *C) error, newClient func(cfg C) R) (client R, auto bool, err error) {
	cfg, auto, err := t.Resolve(src)
	if err == nil {
		err = check(&cfg)
	}
	if err != nil {
		return client, false, err
	}
	return newClient(cfg), auto, nil
}

// explain says what is wrong with a value.
func explain[C any](row *Row[C], v given, err error) error {
	return fmt.Errorf("%s%s is %s: %w", v.key, v.where, row.shown(v.value), err)
}

// shown returns a value in quotes, unless it may be a secret.
func (r *Row[C]) shown(value string) string {
	if r.Secret || hasUser(value) {
		return "not shown"
	}
	return strconv.Quote(value)
}

// collect returns all that src says, by the settings' names.
func (t Table[C]) collect(src Source) (map[string]given, error) {
	values, err := t.fromURL(src.URL)
	if err != nil {
		return nil, err
	}
	if err := t.addFile(values, src.Settings, src.Where); err != nil {
		return nil, err
	}
	defaults := make(map[string]given)
	if err := t.addFile(defaults, src.Defaults, src.Where); err != nil {
		return nil, err
	}
	for name, v := range defaults {
		if _, ok := values[name]; !ok && !t.excluded(name, values) {
			values[name] = v
		}
	}
	return values, nil
}

// excluded reports that a setting was given that takes the place of this one.
func (t Table[C]) excluded(name string, values map[string]given) bool {
	for _, pair := range t.Exclude {
		for i := range pair {
			if _, ok := values[pair[1-i]]; ok && pair[i] == name {
				return true
			}
		}
	}
	return false
}

func (t Table[C]) fromURL(raw string) (map[string]given, error) {
	values := make(map[string]given)
	if raw == "" {
		return values, nil
	}
	u, err := ParseURL(raw)
	if err != nil {
		return nil, err
	}
	const where = " in the URL"
	place, err := t.place(u)
	if err != nil {
		return nil, err
	}
	for key, value := range place {
		values[key] = given{key, value, where}
	}
	for _, p := range u.query {
		if err := t.add(values, given{p.key, p.value, where}); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (t Table[C]) place(u URL) (map[string]string, error) {
	if t.Place != nil {
		return t.Place(u)
	}
	if u.Host != "" || u.HasUser || u.Path != "" {
		return nil, errors.New("the URL names a place: want nothing between its scheme and its query")
	}
	return nil, nil
}

func (t Table[C]) addFile(values map[string]given, settings map[string]string, where func(string) string) error {
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		v := given{key: key, value: settings[key]}
		if where != nil && where(key) != "" {
			v.where = " (" + where(key) + ")"
		}
		if err := t.add(values, v); err != nil {
			return err
		}
	}
	return nil
}

// add notes a value. The same twice is the same; anything else is a mistake
// that nobody can settle.
func (t Table[C]) add(values map[string]given, v given) error {
	row, _, ok := t.find(v.key)
	if !ok {
		return t.unknown(v)
	}
	name, _, _ := t.Lookup(v.key)
	before, ok := values[name]
	switch {
	case !ok:
		values[name] = v
	case before.value != v.value:
		return fmt.Errorf("%s%s is %s and %s%s is %s: want one of them",
			before.key, before.where, row.shown(before.value), v.key, v.where, row.shown(v.value))
	}
	return nil
}

func (t Table[C]) unknown(v given) error {
	var names, known []string
	for i := range t.Rows {
		row := &t.Rows[i]
		suffix := ""
		if row.To.many {
			suffix = ".…"
			if slices.Contains(row.names(), v.key) {
				return fmt.Errorf("%s%s has no name of its own: want %s.NAME, or a map in a file", v.key, v.where, v.key)
			}
		}
		known = append(known, row.Name+suffix)
		names = append(names, row.names()...)
	}
	slices.Sort(known)
	hint := ""
	if nearest := Nearest(v.key, names); nearest != "" {
		hint = "did you mean " + nearest + "? "
	}
	return fmt.Errorf("%s%s is no setting: %sknown are %s", v.key, v.where, hint, strings.Join(known, ", "))
}
