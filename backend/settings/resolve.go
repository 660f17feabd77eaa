package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// given is a value and the place where it was given.
type given struct {
	key   string // as it was written
	value string
	where string // " in URL", " (line 3)", or nothing

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

// resolve decodes src into cfg, and reports whether src asks for the layout
// to be found out. In that case, and if src names no layout, the layout is
// Source.Layout.
func (t *Table) resolve(src ltxstore.Source, cfg reflect.Value) (findLayout bool, err error) {
	values, defaults, wrong := t.collect(src)
	t.inherit(values, defaults)
	if layout, ok := values[layoutName]; !ok || layout.value == auto {
		findLayout = ok || src.Layout == auto
		delete(values, layoutName)
		if name := strings.TrimPrefix(src.Layout, auto); name != "" {
			values[layoutName] = given{key: layoutName, value: name}
		}
	}
	return findLayout, settings.Join(wrong, t.fill(cfg, values))
}

// fill sets the fields of cfg to values.
func (t *Table) fill(cfg reflect.Value, values map[string]given) error {
	var wrong []error
	for i := range t.rows {
		for _, other := range t.rows[i].exclude {
			first, ok := values[t.rows[i].names[0]]
			if second, both := values[other]; ok && both {
				wrong = append(wrong, fmt.Errorf("%s%s and %s%s say the same thing: want one of them", first.key, first.where, second.key, second.where))
			}
		}
	}
	for i := range t.rows {
		r := &t.rows[i]
		for _, name := range slices.Sorted(maps.Keys(values)) {
			head, rest, dotted := strings.Cut(name, ".")
			if head != r.names[0] || dotted != (r.kind == kindMap) {
				continue
			}
			v := values[name]
			items := v.items
			if r.kind != kindList {
				items = []item{{value: v.value, key: v.key, where: v.where}}
			}
			for _, item := range items {
				if err := r.set(cfg, rest, item.value); err != nil {
					wrong = append(wrong, fmt.Errorf("%s%s is %s: %w", item.key, item.where, r.quote(item.value), err))
				}
			}
		}
	}
	return settings.Join(wrong...)
}

// quote returns a value in quotes, or "not shown" if it may be a secret.
func (r *row) quote(value string) string {
	if r.secret || r.names[0] == enabled && strings.Contains(value, "://") || settings.HasUser(value) {
		return "not shown"
	}
	return strconv.Quote(value)
}

// collect returns the values and the defaults of src, by the names of the
// settings.
func (t *Table) collect(src ltxstore.Source) (values, defaults map[string]given, err error) {
	values, wrong := t.fromURL(src.URL)
	beside, err := t.fromFile(src.Settings, src.Where)
	wrong = settings.Join(wrong, err)
	for _, name := range slices.Sorted(maps.Keys(beside)) {
		if before, ok := values[name]; ok && !before.same(beside[name]) {
			wrong = settings.Join(wrong, t.differ(before, beside[name]))
		}
		values[name] = beside[name]
	}
	defaults, err = t.fromFile(src.Defaults, src.Where)
	return values, defaults, settings.Join(wrong, err)
}

// inherit adds the defaults for which there is no value.
func (t *Table) inherit(values, defaults map[string]given) {
	own := maps.Clone(values)
	for name, v := range defaults {
		if _, ok := own[name]; !ok && !t.excluded(name, own) {
			values[name] = v
		}
	}
}

// excluded reports whether a setting was given that excludes this one.
func (t *Table) excluded(name string, values map[string]given) bool {
	for i := range t.rows {
		for _, other := range t.rows[i].exclude {
			pair := [2]string{t.rows[i].names[0], other}
			for n := range pair {
				if _, ok := values[pair[1-n]]; ok && pair[n] == name {
					return true
				}
			}
		}
	}
	return false
}

func (t *Table) fromURL(raw string) (map[string]given, error) {
	values := make(map[string]given)
	if raw == "" {
		return values, nil
	}
	u, err := ParseURL(raw)
	if err != nil {
		return values, err
	}
	place, err := t.placeOf(u)
	if err != nil {
		return values, err
	}
	for key, value := range place {
		if value != "" {
			values[key] = given{key: key, value: value, where: inURL}
		}
	}
	var wrong []error
	for _, p := range u.query {
		wrong = append(wrong, t.note(values, given{key: p.key, value: p.value, where: inURL}))
	}
	return values, settings.Join(wrong...)
}

const inURL = " in the URL"

func (t *Table) placeOf(u URL) (map[string]string, error) {
	if t.place != nil {
		return t.place(u)
	}
	if u.Host != "" || u.HasUser || u.Path != "" {
		return nil, errors.New("the URL names a place: want nothing between its scheme and its query")
	}
	return nil, nil
}

func (t *Table) fromFile(texts map[string]string, where func(string) string) (map[string]given, error) {
	values := make(map[string]given)
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		v := given{key: key, value: texts[key]}
		if where != nil && where(key) != "" {
			v.where = " (" + where(key) + ")"
		}
		wrong = append(wrong, t.note(values, v))
	}
	return values, settings.Join(wrong...)
}

// note adds a value. An empty value means the default. A setting may be given
// twice with the same value, but not with different values, except for a
// list, which grows.
func (t *Table) note(values map[string]given, v given) error {
	r, rest, ok := t.find(v.key)
	if !ok {
		return t.unknown(v)
	}
	name := r.key(rest)
	before, ok := values[name]
	switch {
	case v.value == "" && t.mayBeEmpty(r):
	case r.kind == kindList:
		return t.noteItem(values, r, v, rest)
	case !ok:
		values[name] = v
	case before.value != v.value:
		return t.differ(before, v)
	}
	return nil
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

// noteItem adds an item to a list, at the index in its key, or at the end.
func (t *Table) noteItem(values map[string]given, r *row, v given, rest string) error {
	list, ok := values[r.names[0]]
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
	values[r.names[0]] = list
	return nil
}

// differ returns the error for two values of one setting.
func (t *Table) differ(a, b given) error {
	r, _, _ := t.find(a.key)
	return fmt.Errorf("%s%s is %s and %s%s is %s: want one of them", a.key, a.where, r.quote(a.value), b.key, b.where, r.quote(b.value))
}
