package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Enabled is the setting that every wrapper has: "compress.enabled", for which
// "compress" is short.
const Enabled = "enabled"

// below returns what a key is in its table. For a wrapper that is what follows
// its name.
func (t Table[C]) below(key string) (string, bool) {
	if len(t.Wrapper) == 0 {
		return key, true
	}
	head, rest, dotted := strings.Cut(key, ".")
	switch {
	case !slices.Contains(t.Wrapper, head):
		return "", false
	case !dotted:
		return Enabled, true
	}
	return rest, true
}

// Wrap is the Wrap of a wrapper's driver: it resolves src, has the Config refused
// if something is wrong with it, and wraps next, unless that is turned off.
func Wrap[C, R any](t Table[C], src Source, next R, check func(cfg C) error, wrap func(next R, cfg C) R) (R, error) {
	cfg, on, err := t.resolve(src, check)
	if err != nil || !on {
		return next, err
	}
	return wrap(next, cfg), nil
}

// Check is the Check of a wrapper's driver: it returns the error that Wrap would.
func Check[C any](t Table[C], src Source, check func(cfg C) error) error {
	_, _, err := t.resolve(src, check)
	return err
}

// resolve returns what src says of a wrapper, and whether it is turned on.
func (t Table[C]) resolve(src Source, check func(cfg C) error) (cfg C, on bool, err error) {
	values, defaults, err := t.collect(src)
	if err != nil {
		return cfg, false, err
	}
	if on, err = t.enabled(values, defaults); err != nil || !on {
		return cfg, false, err
	}
	t.inherit(values, defaults)
	if cfg, err = t.fill(values); err == nil {
		err = check(cfg)
	}
	return cfg, err == nil, err
}

// enabled takes the switches out of what is given, and tells what they say. Any
// setting turns a wrapper on.
func (t Table[C]) enabled(values, defaults map[string]given) (bool, error) {
	off, err := t.off(values)
	switch {
	case err != nil:
		return false, err
	case off != nil && t.Locked:
		inherited, err := t.off(defaults)
		if names := slices.Sorted(maps.Keys(defaults)); err == nil && inherited == nil && len(names) > 0 {
			return false, contradicts(*off, defaults[names[0]])
		}
		return false, err
	case off == nil && len(values) == 0: // all is inherited
		off, err = t.off(defaults)
	}
	delete(values, Enabled)
	delete(defaults, Enabled)
	return off == nil, err
}

// off returns the switch if it turns the wrapper off: then there may be nothing
// beside it.
func (t Table[C]) off(values map[string]given) (*given, error) {
	v, ok := values[Enabled]
	if !ok {
		return nil, nil
	}
	on, err := ParseBool(v.value)
	if err != nil {
		return nil, fmt.Errorf("%s%s is %q: %w", v.key, v.where, v.value, err)
	}
	if on {
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != Enabled {
			return nil, contradicts(v, values[name])
		}
	}
	return &v, nil
}

func contradicts(off, other given) error {
	return fmt.Errorf("%s%s is false beside %s%s: want one of them", off.key, off.where, other.key, other.where)
}

// Stacked is a wrapper of this library.
type Stacked struct {
	Name    string
	Aliases []string
}

// Order returns the wrappers of this library as they are stacked, the first of
// which is the outermost. wrap.Chain tells why.
func Order() []Stacked {
	return []Stacked{
		{Name: "readonly"},
		{Name: "trace"},
		{Name: "checksum"},
		{Name: "compress"},
		{Name: "crypt", Aliases: []string{"age"}}, // Litestream's name
		{Name: "cache"},
		{Name: "mirror"},
		{Name: "metrics"},
		{Name: "retry"},
		{Name: "throttle"},
	}
}

// Peel splits what src says: of the store, and of each wrapper by its name, of
// which owner tells for a key; none is the empty string. The keys of a wrapper
// keep its name, and its URL has no place: "compress:?compress.level=best".
func Peel(src Source, owner func(key string) (wrapper string, err error)) (store Source, of map[string]Source, err error) {
	of = make(map[string]Source)
	change := func(wrapper string, do func(s *Source)) {
		s, ok := of[wrapper]
		if !ok {
			s = Source{Where: src.Where, Getenv: src.Getenv}
		}
		do(&s)
		of[wrapper] = s
	}
	store = src
	var kept []string
	place, query, hasQuery := strings.Cut(src.URL, "?")
	for part := range strings.SplitSeq(query, "&") {
		wrapper := ""
		if key, ok := queryKey(part); ok { // what cannot be read is the store's to refuse
			if wrapper, err = owner(key); err != nil {
				return store, nil, fmt.Errorf("%s%s %w", key, inURL, err)
			}
		}
		if wrapper == "" {
			kept = append(kept, part)
			continue
		}
		change(wrapper, func(s *Source) {
			if s.URL == "" {
				s.URL = wrapper + ":?" + part
				return
			}
			s.URL += "&" + part
		})
	}
	if store.URL = place; hasQuery && len(kept) > 0 {
		store.URL += "?" + strings.Join(kept, "&")
	}
	split := func(settings map[string]string, to func(s *Source) *map[string]string) (map[string]string, error) {
		rest := maps.Clone(settings)
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			wrapper, err := owner(key)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s%s %w", key, placeIn(src.Where, key), err)
			case wrapper == "":
				continue
			}
			delete(rest, key)
			change(wrapper, func(s *Source) {
				if *to(s) == nil {
					*to(s) = make(map[string]string)
				}
				(*to(s))[key] = settings[key]
			})
		}
		return rest, nil
	}
	if store.Settings, err = split(src.Settings, func(s *Source) *map[string]string { return &s.Settings }); err != nil {
		return store, nil, err
	}
	store.Defaults, err = split(src.Defaults, func(s *Source) *map[string]string { return &s.Defaults })
	return store, of, err
}
