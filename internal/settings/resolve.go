package settings

import (
	"cmp"
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

	items []item // of a list, in order; value is the first's
}

type item struct {
	index             int
	value, key, where string
}

func (v given) same(other given) bool {
	return v.value == other.value && slices.EqualFunc(v.items, other.items, func(a, b item) bool {
		return a.index == b.index && a.value == b.value
	})
}

// Resolve returns the Config that src describes, and whether it leaves the
// layout to be found out: then it is Source.Layout, as where none is named.
// What of the Config's fields is wrong in itself is the backend's to say.
func (t Table[C]) Resolve(src Source) (cfg C, auto bool, err error) {
	values, defaults, err := t.collect(src)
	if err != nil {
		return cfg, false, err
	}
	t.inherit(values, defaults)
	if layout, ok := values[LayoutName]; !ok || layout.value == Auto {
		auto = ok || src.Layout == Auto
		values[LayoutName] = given{key: LayoutName, value: strings.TrimPrefix(src.Layout, Auto)}
	}
	cfg, err = t.fill(values)
	return cfg, auto, err
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

// fill makes the Config of values.
func (t Table[C]) fill(values map[string]given) (cfg C, err error) {
	for _, pair := range t.Exclude {
		first, ok := values[pair[0]]
		second, both := values[pair[1]]
		if ok && both {
			return cfg, fmt.Errorf("%s%s and %s%s say the same thing: want one of them", first.key, first.where, second.key, second.where)
		}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		for _, name := range slices.Sorted(maps.Keys(values)) {
			head, rest, dotted := strings.Cut(name, ".")
			if head != row.Name || dotted != row.To.many {
				continue
			}
			v := values[name]
			items := v.items
			if !row.To.list {
				items = []item{{value: v.value}}
			}
			for _, item := range items {
				if err := row.To.set(&cfg, rest, item.value); err != nil {
					if row.To.list {
						v = given{key: item.key, value: item.value, where: item.where}
					}
					return cfg, explain(row, v, err)
				}
			}
		}
	}
	return cfg, nil
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

// collect returns all that src says, and what it says by default, by the
// settings' names.
func (t Table[C]) collect(src Source) (values, defaults map[string]given, err error) {
	values, err = t.fromURL(src.URL)
	if err != nil {
		return nil, nil, err
	}
	beside, err := t.fromFile(src.Settings, src.Where)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(beside)) {
		if before, ok := values[name]; ok && !before.same(beside[name]) {
			return nil, nil, t.differ(before, beside[name])
		}
		values[name] = beside[name]
	}
	defaults, err = t.fromFile(src.Defaults, src.Where)
	return values, defaults, err
}

// inherit completes values by the defaults that nothing takes the place of.
func (t Table[C]) inherit(values, defaults map[string]given) {
	own := maps.Clone(values)
	for name, v := range defaults {
		if _, ok := own[name]; !ok && !t.excluded(name, own) {
			values[name] = v
		}
	}
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
	place, err := t.place(u)
	if err != nil {
		return nil, err
	}
	for key, value := range place {
		values[key] = given{key: key, value: value, where: inURL}
	}
	for _, p := range u.query {
		if err := t.add(values, given{key: p.key, value: p.value, where: inURL}); err != nil {
			return nil, err
		}
	}
	return values, nil
}

const inURL = " in the URL"

func (t Table[C]) place(u URL) (map[string]string, error) {
	if t.Place != nil {
		return t.Place(u)
	}
	if u.Host != "" || u.HasUser || u.Path != "" {
		return nil, errors.New("the URL names a place: want nothing between its scheme and its query")
	}
	return nil, nil
}

func (t Table[C]) fromFile(settings map[string]string, where func(string) string) (map[string]given, error) {
	values := make(map[string]given)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if err := t.add(values, given{key: key, value: settings[key], where: placeIn(where, key)}); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// placeIn says where in a file a setting is.
func placeIn(where func(string) string, key string) string {
	if where == nil || where(key) == "" {
		return ""
	}
	return " (" + where(key) + ")"
}

// add notes a value. The same twice is the same; anything else is a mistake
// that nobody can settle, but for a list, which it makes longer.
func (t Table[C]) add(values map[string]given, v given) error {
	row, rest, ok := t.find(v.key)
	if !ok {
		return t.unknown(v)
	}
	name := row.key(rest)
	before, ok := values[name]
	switch {
	case row.To.list:
		return t.append(values, row, v, rest)
	case !ok:
		values[name] = v
	case before.value != v.value:
		return t.differ(before, v)
	}
	return nil
}

// append notes an item of a list, at the index that it is given with, or at the
// end.
func (t Table[C]) append(values map[string]given, row *Row[C], v given, rest string) error {
	list, ok := values[row.Name]
	if !ok {
		list = v
	}
	index := len(list.items)
	if rest != "" {
		index, _ = strconv.Atoi(rest) // takes has read it
	}
	at, taken := slices.BinarySearchFunc(list.items, index, func(it item, index int) int { return cmp.Compare(it.index, index) })
	if taken {
		list.value = list.items[at].value
		return t.differ(list, v)
	}
	list.items = slices.Insert(list.items, at, item{index, v.value, v.key, v.where})
	list.value = list.items[0].value
	values[row.Name] = list
	return nil
}

// differ is the error of two values for one setting.
func (t Table[C]) differ(a, b given) error {
	row, _, _ := t.find(a.key)
	return fmt.Errorf("%s%s is %s and %s%s is %s: want one of them",
		a.key, a.where, row.shown(a.value), b.key, b.where, row.shown(b.value))
}

func (t Table[C]) unknown(v given) error {
	key, _ := t.below(v.key)
	prefix := strings.TrimSuffix(v.key, key)
	var names, known []string
	if len(t.Wrapper) > 0 {
		names, known = []string{Enabled}, []string{prefix + Enabled}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		suffix := ""
		if row.To.many {
			suffix = ".…"
			if slices.Contains(row.names(), key) {
				return fmt.Errorf("%s%s has no name of its own: want %s.NAME, or a map in a file", v.key, v.where, v.key)
			}
		}
		known = append(known, prefix+row.Name+suffix)
		names = append(names, row.names()...)
	}
	slices.Sort(known)
	hint := ""
	if nearest := Nearest(key, names); nearest != "" {
		hint = "did you mean " + prefix + nearest + "? "
	}
	return fmt.Errorf("%s%s is no setting: %sknown are %s", v.key, v.where, hint, strings.Join(known, ", "))
}
