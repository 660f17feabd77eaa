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

// enabled reports whether the wrapper is turned on. Any setting turns it on, and so does
// more, which stands for what is not a setting. What is inherited counts if there is
// nothing else, and if the wrapper is locked.
func (p part) enabled(more bool) (bool, error) {
	values, inherited := p.given.of(false), p.given.of(true)
	if len(values) == 0 && !more {
		values, inherited = inherited, nil
	}
	off, err := values.off()
	if off < 0 || err != nil {
		return err == nil, err
	}
	contradicts := slices.Delete(slices.Clone(values), off, off+1)
	if isOff, err := inherited.off(); p.locked && isOff < 0 {
		if err != nil {
			return false, err
		}
		contradicts = append(contradicts, inherited...)
	}
	switch {
	case len(contradicts) > 0:
		return false, placed(fmt.Errorf("%v is false, and %v is set: want one of them", values[off], contradicts[0]), values[off], contradicts[0])
	case more:
		return false, placed(fmt.Errorf("%v is false, and there are replicas: want one of them", values[off]), values[off])
	}
	return false, nil
}

// off returns the index of the switch if it turns the wrapper off, otherwise -1.
func (l list) off() (int, error) {
	i := l.find(enabled)
	if i < 0 {
		return i, nil
	}
	on, err := settings.ParseBool(l[i].value)
	if err != nil {
		return -1, placed(fmt.Errorf("%v is %s: %w", l[i], l[i].quote(l[i].value), err), l[i])
	}
	if on {
		return -1, nil
	}
	return i, nil
}
