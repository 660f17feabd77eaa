package settings

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// enabled is a setting that every wrapper has: "compress" is short for
// "compress.enabled".
const enabled = "enabled"

// below returns a key as its table has it: for a wrapper, without the
// wrapper's name.
func (t *Table) below(key string) (string, bool) {
	if len(t.wrapper) == 0 {
		return key, true
	}
	head, rest, dotted := strings.Cut(key, ".")
	switch {
	case !slices.Contains(t.wrapper, head):
		return "", false
	case !dotted:
		return enabled, true
	}
	return rest, true
}

// resolveWrapper decodes src into the cfg of a wrapper, and reports whether
// the wrapper is turned on.
func (t *Table) resolveWrapper(src ltxstore.Source, cfg reflect.Value) (on bool, err error) {
	values, defaults, wrong := t.collect(src)
	on, err = t.enabled(values, defaults, len(src.Mirrors) > 0)
	if err != nil || !on {
		return false, settings.Join(wrong, err)
	}
	t.inherit(values, defaults)
	return true, settings.Join(wrong, t.fill(cfg, values))
}

// enabled removes the switches from values and defaults, and reports whether
// the wrapper is turned on. Any setting turns it on, and so does more, which
// stands for what is not a setting.
func (t *Table) enabled(values, defaults map[string]given, more bool) (bool, error) {
	off, err := t.off(values)
	switch {
	case err != nil:
		return false, err
	case off != nil && more:
		return false, fmt.Errorf("%s%s is false, and there are replicas: want one of them", off.key, off.where)
	case off != nil && t.locked:
		inherited, err := t.off(defaults)
		if names := slices.Sorted(maps.Keys(defaults)); err == nil && inherited == nil && len(names) > 0 {
			return false, contradicts(*off, defaults[names[0]])
		}
		return false, err
	case off == nil && len(values) == 0 && !more: // all is inherited
		off, err = t.off(defaults)
	}
	delete(values, enabled)
	delete(defaults, enabled)
	return off == nil, err
}

// off returns the switch if it turns the wrapper off. In that case, no other
// setting may be given.
func (t *Table) off(values map[string]given) (*given, error) {
	v, ok := values[enabled]
	if !ok {
		return nil, nil
	}
	on, err := ParseBool(v.value)
	if err != nil {
		return nil, fmt.Errorf("%s%s is %s: %w", v.key, v.where, (&row{names: []string{enabled}}).quote(v.value), err)
	}
	if on {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != enabled {
			return nil, contradicts(v, values[name])
		}
	}
	return &v, nil
}

func contradicts(off, other given) error {
	return fmt.Errorf("%s%s is false, and %s%s is set: want one of them", off.key, off.where, other.key, other.where)
}
