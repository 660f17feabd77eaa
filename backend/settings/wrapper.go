package settings

import (
	"fmt"
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
	own, defaults, wrong := t.given(src)
	on, err = t.enabled(own, defaults, len(src.Mirrors) > 0)
	if err != nil || !on {
		return false, settings.Join(wrong, err)
	}
	values := slices.DeleteFunc(inherit(own, defaults), func(v given) bool { return v.name == enabled })
	return true, settings.Join(wrong, fill(cfg, values))
}

// enabled reports whether the wrapper is turned on. Any setting turns it on, and
// so does more, which stands for what is not a setting.
func (t *Table) enabled(own, defaults list, more bool) (bool, error) {
	off, err := own.off()
	switch {
	case err != nil:
		return false, err
	case off != nil && more:
		return false, fmt.Errorf("%v is false, and there are replicas: want one of them", off)
	case off != nil && t.locked:
		inherited, err := defaults.off()
		if err == nil && inherited == nil && len(defaults) > 0 {
			return false, contradicts(off, defaults[0])
		}
		return false, err
	case off == nil && len(own) == 0 && !more: // all is inherited
		off, err = defaults.off()
	}
	return off == nil, err
}

// off returns the switch if it turns the wrapper off. In that case, no other
// setting may be given.
func (l list) off() (*given, error) {
	i := l.find(enabled)
	if i < 0 {
		return nil, nil
	}
	v := &l[i]
	on, err := settings.ParseBool(v.value)
	if err != nil {
		return nil, fmt.Errorf("%v is %s: %w", v, v.quote(v.value), err)
	}
	if on {
		return nil, nil
	}
	for _, other := range l {
		if other.name != enabled {
			return nil, contradicts(v, other)
		}
	}
	return v, nil
}

func contradicts(off *given, other given) error {
	return fmt.Errorf("%v is false, and %v is set: want one of them", off, other)
}
