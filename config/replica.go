package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// ParseReplicas reads one replica section, or a list of them. Every error is
// fs.ErrInvalid. Nothing is sent, and no store is looked at.
func ParseReplicas(data []byte, opts Options) ([]Replica, error) {
	n, err := parse(data)
	if err != nil {
		return nil, err
	}
	return opts.withDefaults().replicas(n, nil)
}

func (o Options) replicas(n node, defaults []entry) ([]Replica, error) {
	sections := n.items
	if n.kind != list {
		sections = []node{n}
	}
	var found []Replica
	var failed []error
	for _, section := range sections {
		r, err := o.replica(section, defaults)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found = append(found, r)
	}
	return found, errors.Join(failed...)
}

// replica reads a section, and has its backend and its wrappers check it.
func (o Options) replica(n node, defaults []entry) (Replica, error) {
	r, err := o.unchecked(n, defaults)
	if err == nil {
		if err = r.source().Check(); err != nil {
			err = openFailed(n, err)
		}
	}
	return r, err
}

// unchecked reads a section.
func (o Options) unchecked(n node, defaults []entry) (Replica, error) {
	if n.kind != dict {
		return Replica{}, invalid(n, "want a map with the settings of a replica, or a list of such")
	}
	places := make(map[string]string)
	src := ltxstore.Source{
		Settings: make(map[string]string),
		Defaults: make(map[string]string),
		Where:    func(key string) string { return places[key] },
		Getenv:   o.Getenv,
	}
	r := Replica{source: func() *ltxstore.Source { return &src }}

	for _, e := range defaults {
		if err := o.inherit(&r, e, places); err != nil {
			return r, err
		}
	}
	inherited, inheritedMirrors := r.daemon, src.Mirrors
	r.daemon, src.Mirrors = nil, nil
	for _, e := range n.entries {
		if err := o.set(&r, e, places); err != nil {
			return r, err
		}
	}
	r.daemon = append(r.daemon, without(inherited, r.daemon)...)
	if len(src.Mirrors) == 0 && !isOff(src.Settings[mirror]) && !isOff(src.Settings[mirror+".enabled"]) {
		src.Mirrors = inheritedMirrors
	}
	err := o.finish(&r, n)
	return r, err
}

// set takes one setting of a section.
func (o Options) set(r *Replica, e entry, places map[string]string) (err error) {
	switch {
	case e.value.kind == null && isWrapper(e.key) && len(owners(e.key)) == 0:
		return noSettings(e)
	case e.value.kind == null:
		return known(e, append(ownKeys, knownSettings()...))
	case e.key == "url":
		r.source().URL, err = o.required(e.key, e.value)
	case e.key == "type":
		r.source().Type, err = o.required(e.key, e.value)
	case e.key == "name":
		r.name, err = o.required(e.key, e.value)
	case slices.Contains(daemonOfReplica, e.key):
		r.daemon = append(r.daemon, o.daemon(e)...)
	default:
		return o.setStore(r.source(), r.source().Settings, e, places)
	}
	return err
}

// ownKeys are the settings that say which replica it is.
var ownKeys = []string{"url", "type", "name"}

// isWrapper reports whether a key is of a wrapper, imported or not.
func isWrapper(key string) bool {
	head, _, _ := strings.Cut(key, ".")
	return settings.Wrappers().Get(head) != nil || slices.ContainsFunc(settings.Order(), func(w settings.Stacked) bool {
		return w.Name == head || slices.Contains(w.Aliases, head)
	})
}

// meansWrapper reports whether an inherited setting is of a wrapper, and not that of
// another backend with the same name.
func meansWrapper(key, value string) bool {
	return isWrapper(key) && (len(owners(key)) == 0 || isSwitch(value))
}

// setStore notes a setting of the store or of a wrapper, or a map of them.
func (o Options) setStore(src *ltxstore.Source, to map[string]string, e entry, places map[string]string) (err error) {
	flat := []entry{e}
	if e.key == mirror || e.key == mirrors {
		var found []ltxstore.Source
		if found, flat, err = o.mirrorsIn(e); err != nil {
			return err
		}
		src.Mirrors = append(src.Mirrors, found...)
	} else if e.value.kind == dict || e.value.kind == list && isWrapper(e.key) {
		if flat, err = flattenOn(e); err != nil {
			return err
		}
	}
	for _, e := range flat {
		value, err := o.required(e.key, e.value)
		if err != nil {
			return err
		}
		to[e.key], places[e.key] = value, e.at().where()
	}
	return nil
}

// flattenOn is flatten, and turns on what wrappers there are: a map of a wrapper
// may have nothing in it.
func flattenOn(e entry) (flat []entry, err error) {
	name := e.key[strings.LastIndexByte(e.key, '.')+1:]
	switch {
	case e.value.kind == null && isWrapper(name):
		return nil, noSettings(e)
	case e.value.kind == null || e.value.kind == scalar:
		return flatten(e), nil
	case isWrapper(name):
		flat = append(flat, switchOn(e))
	}
	below := slices.Clone(e.value.entries)
	for i, item := range e.value.items {
		below = append(below, entry{strconv.Itoa(i), item, item.line, item.column})
	}
	for _, b := range below {
		b.key = e.key + "." + b.key
		more, err := flattenOn(b)
		if err != nil {
			return nil, err
		}
		flat = append(flat, more...)
	}
	return flat, nil
}

// switchOn is the setting that turns a wrapper on.
func switchOn(e entry) entry {
	return entry{e.key + ".enabled", node{kind: scalar, text: "true"}, e.line, e.column}
}

func noSettings(e entry) error {
	return invalid(e.at(), "%s has no settings: want true, false or a map of them", e.key)
}

// inherit takes a setting of the file's top level.
func (o Options) inherit(r *Replica, e entry, places map[string]string) error {
	if slices.Contains(daemonOfReplica, e.key) {
		r.daemon = append(r.daemon, o.daemon(e)...)
		return nil
	}
	if e.value.kind == null {
		return o.set(r, e, places)
	}
	return o.setStore(r.source(), r.source().Defaults, e, places)
}

// daemon returns what is handed back.
func (o Options) daemon(e entry) (found []Setting) {
	for _, e := range flatten(e) {
		value, _ := o.text(e.value.text)
		found = append(found, Setting{e.key, value, e.line, e.column})
	}
	return found
}

// without returns the inherited settings that the replica does not have.
func without(inherited, own []Setting) []Setting {
	return slices.DeleteFunc(slices.Clone(inherited), func(s Setting) bool {
		return slices.ContainsFunc(own, func(o Setting) bool { return o.Key == s.Key })
	})
}

// finish finds the backend, completes the source for it, and has it checked.
func (o Options) finish(r *Replica, n node) error {
	src := r.source()
	driver, err := backendOf(src, n)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(src.Settings)) {
		if _, _, ok := driver.Lookup(key); ok || isWrapper(key) {
			continue
		}
		if types := owners(key); len(types) > 0 && !slices.Contains(types, src.Type) {
			return invalid(n, "%s%s is a setting of type %s, and this replica's type is %s",
				key, bracket(src.Where(key)), strings.Join(types, " or "), src.Type)
		}
	}
	for key, value := range src.Defaults {
		if _, _, ok := driver.Lookup(key); !ok && !meansWrapper(key, value) {
			delete(src.Defaults, key) // another replica's
		}
	}
	if o.Litestream && src.Type == "nats" {
		if err := natsPlace(src, n); err != nil {
			return err
		}
	}
	if src.URL != "" {
		for _, key := range []string{"path", "bucket"} {
			if _, ok := src.Settings[key]; ok {
				return invalid(n, "url and %s%s say the same thing: want one of them", key, bracket(src.Where(key)))
			}
		}
	}
	if path := src.Settings["path"]; src.Type == "file" {
		if strings.Contains(path, "://") {
			return invalid(n, "path%s is a URL: want it as url", bracket(src.Where("path")))
		}
		if path, err = o.home(n, path); err != nil {
			return err
		}
		if path != "" {
			src.Settings["path"] = path
		}
	}
	if o.Litestream {
		litestreamPlace(src)
		src.Layout = litestreamLayout(src.Type).String()
	}
	return nil
}

// backendOf finds the type: the URL's scheme, or "type", or "file".
func backendOf(src *ltxstore.Source, n node) (driver ltxstore.Driver, err error) {
	if src.URL == "" && src.Type == "" {
		src.Type = "file"
	}
	for _, scheme := range absent {
		known := settings.Drivers().All()
		if !slices.Contains(known, scheme) && (strings.EqualFold(src.Type, scheme) || hasScheme(src.URL, scheme)) {
			return nil, invalid(n, "replicas of type %s are not supported: known are %s", scheme, strings.Join(known, ", "))
		}
	}
	if src.Type, driver, err = src.Driver(); err != nil {
		return nil, openFailed(n, err)
	}
	return driver, nil
}

func hasScheme(raw, scheme string) bool {
	found, _, ok := strings.Cut(raw, ":")
	return ok && strings.EqualFold(found, scheme)
}

// openFailed says which section it is that cannot be opened.
func openFailed(n node, err error) error {
	if where := n.where(); where != "" {
		return fmt.Errorf("config: replica at %s: %w", where, err)
	}
	return fmt.Errorf("config: replica: %w", err)
}

func bracket(where string) string {
	if where == "" {
		return ""
	}
	return " (" + where + ")"
}

// owners returns the types that have a setting of that name, registered or
// not.
func owners(key string) (types []string) {
	for _, scheme := range settings.Drivers().All() {
		driver := settings.Drivers().Get(scheme).(ltxstore.Driver)
		_, _, ok := driver.Lookup(key)
		if _, _, isMap := driver.Lookup(key + ".x"); ok || isMap {
			types = append(types, scheme)
		}
	}
	for _, scheme := range slices.Sorted(maps.Keys(settingsOf)) {
		if slices.Contains(settingsOf[scheme], key) && !slices.Contains(types, scheme) {
			types = append(types, scheme)
		}
	}
	return types
}

// known refuses an entry whose key is none of names.
func known(e entry, names []string) error {
	head, _, _ := strings.Cut(e.key, ".")
	if slices.Contains(names, e.key) || slices.Contains(names, head) || len(owners(e.key)) > 0 {
		return nil
	}
	return unknown(e, names)
}

// unknown is the error for a key that is none of names.
func unknown(e entry, names []string) error {
	if nearest := settings.Nearest(e.key, names); nearest != "" {
		return invalid(e.at(), "unknown setting %q: did you mean %s?", e.key, nearest)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return invalid(e.at(), "unknown setting %q (known: %s)", e.key, strings.Join(names, ", "))
}

// knownSettings returns the settings that a section of any type may have.
func knownSettings() []string {
	names := slices.Clone(daemonOfReplica)
	for _, keys := range settingsOf {
		names = append(names, keys...)
	}
	for _, ours := range settings.Order() {
		names = append(append(names, ours.Name), ours.Aliases...)
	}
	return append(append(names, settings.Wrappers().Names()...), "path", "layout")
}
