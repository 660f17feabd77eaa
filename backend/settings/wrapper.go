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

// decode decodes and checks the part of a wrapper. retries says whether the
// client inside retries requests.
func (l *layer) decode(retries bool) error {
	on, err := l.enabled(len(l.mirrors) > 0)
	if err != nil || !on {
		return settings.Join(l.err, err)
	}
	cfg := reflect.New(l.typ)
	values := slices.DeleteFunc(l.values(), func(v given) bool { return v.name == enabled })
	if err := settings.Join(l.err, fill(cfg.Elem(), values)); err != nil {
		return err
	}
	l.cfg = cfg.Interface()
	l.wrapper.mirrors(l.cfg, make([]ltxstore.ReplicaClient, len(l.mirrors)))
	return l.wrapper.check(l.cfg, retries)
}

// enabled reports whether the wrapper is turned on. Any setting turns it on,
// and so does more, which stands for what is not a setting.
func (p part) enabled(more bool) (bool, error) {
	off, err := p.own.off()
	switch {
	case err != nil:
		return false, err
	case off != nil && more:
		return false, placed(fmt.Errorf("%v is false, and there are replicas: want one of them", off), *off)
	case off != nil && p.locked:
		inherited, err := p.defaults.off()
		if err == nil && inherited == nil && len(p.defaults) > 0 {
			return false, contradicts(off, p.defaults[0])
		}
		return false, err
	case off == nil && len(p.own) == 0 && !more: // all is inherited
		off, err = p.defaults.off()
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
		return nil, placed(fmt.Errorf("%v is %s: %w", v, v.quote(v.value), err), *v)
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
	return placed(fmt.Errorf("%v is false, and %v is set: want one of them", off, other), *off, other)
}
