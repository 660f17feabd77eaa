package config

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// ParseReplicas reads one replica section or a list of them. Every error is
// fs.ErrInvalid. It sends no request.
func ParseReplicas(data []byte, opts Options) ([]Replica, error) {
	n, _, err := parse(data)
	if err != nil {
		return nil, err
	}
	return valid(opts.withDefaults().replicas(n, nil))
}

// valid returns replicas, or the error alone.
func valid(found []Replica, err error) ([]Replica, error) {
	if err != nil {
		return nil, err
	}
	return found, nil
}

// replicas reads a section or a list of them. One that is wrong has only the settings of
// the daemon.
func (o Options) replicas(n node, defaults []node) ([]Replica, error) {
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
			r = Replica{daemon: r.daemon}
		}
		found = append(found, r)
	}
	return found, settings.Join(failed...)
}

// replica reads a section, and checks it with its backend and wrappers.
func (o Options) replica(n node, defaults []node) (Replica, error) {
	o.warnings = new([]Warning)
	r, err := o.unchecked(n, defaults)
	if src := r.source(); r.unsupported == nil && (src.Type != "" || src.URL != "") {
		unread := err != nil // what could not be read is not missing
		checked := settings.Each(src.Check(), func(err error) error {
			if missing := new(settings.FieldError); unread && errors.As(err, &missing) && missing.Missing() {
				return nil
			}
			return openFailed(n, err)
		})
		err = settings.Join(err, checked)
	}
	if err == nil && o.Litestream && r.unsupported == nil {
		o.warnPlace(r.Place(), r.source(), n)
	}
	r.warnings = *o.warnings
	return r, err
}

// unchecked reads a section without checking its settings.
func (o Options) unchecked(n node, defaults []node) (Replica, error) {
	places := make(map[string]node)
	src := ltxstore.Source{
		Settings: make(map[string]string),
		Defaults: make(map[string]string),
		Where:    func(key string) (line, column int) { return places[key].line, places[key].column },
		Getenv:   o.Getenv,
	}
	r := Replica{source: func() *ltxstore.Source { return &src }}
	if n.kind != dict {
		return r, invalid(n, "want a map with the settings of a replica, or a list of such")
	}
	var failed []error
	for _, e := range defaults {
		failed = append(failed, o.inherit(&r, e, places))
	}
	inherited, inheritedMirrors := r.daemon, src.Mirrors
	r.daemon, src.Mirrors = nil, nil
	for _, e := range n.items {
		failed = append(failed, o.set(&r, e, places))
	}
	r.daemon = append(r.daemon, without(inherited, r.daemon)...)
	if len(src.Mirrors) == 0 && !isOff(src.Settings[mirror]) && !isOff(src.Settings[mirror+".enabled"]) {
		src.Mirrors = inheritedMirrors
	}
	wrong := o.finish(&r, n)
	missing := new(noBackend)
	if wrong != nil && !errors.As(wrong, &missing) { // nothing more can be checked
		src.Type, src.URL = "", ""
	}
	err := settings.Each(settings.Join(append(failed, wrong)...), func(err error) error {
		if errors.As(err, &missing) {
			r.unsupported = missing.err
			return nil
		}
		return err
	})
	return r, err
}

// set reads one entry of a section.
func (o Options) set(r *Replica, e node, places map[string]node) (err error) {
	switch {
	case isNoEncryption(e): // inherited, if it is
	case e.kind == null && isWrapper(e.key) && len(owners(e.key)) == 0:
		return noSettings(e)
	case e.kind == null:
		return known(e, append(ownKeys, knownSettings()...))
	case e.key == "url":
		r.source().URL, err = o.required(e.key, e)
	case e.key == "type":
		r.source().Type, err = o.required(e.key, e)
	case e.key == "name":
		r.name, err = o.required(e.key, e)
	case slices.Contains(daemonOfReplica, e.key):
		r.daemon = append(r.daemon, o.daemon(e)...)
	default:
		return o.setStore(r.source(), r.source().Settings, e, places)
	}
	return err
}

// isNoEncryption reports whether an entry is an empty "age", which in
// Litestream means no encryption.
func isNoEncryption(e node) bool {
	for _, below := range e.items {
		if below.kind != null && (below.kind != list || len(below.items) > 0) {
			return false
		}
	}
	return e.key == "age" && (e.kind == null || e.kind == dict)
}

// ownKeys are the settings that identify the replica.
var ownKeys = []string{"url", "type", "name"}

// isWrapper reports whether a key belongs to a wrapper, imported or not.
func isWrapper(key string) bool { return settings.WrapperOf(key) != "" }

// meansWrapper reports whether an inherited setting belongs to a wrapper, and
// not to another backend that has a setting with that name.
func meansWrapper(key, value string) bool {
	return isWrapper(key) && (len(owners(key)) == 0 || isSwitch(value))
}

// setStore reads an entry that is a setting of the store or of a wrapper, or
// a map of such settings.
func (o Options) setStore(src *ltxstore.Source, to map[string]string, e node, places map[string]node) (err error) {
	flat := []node{e}
	switch {
	case e.key == mirror || e.key == mirrors:
		var found []ltxstore.Source
		if found, flat, err = o.mirrorsIn(e); err != nil {
			return err
		}
		src.Mirrors = append(src.Mirrors, found...)
	case e.kind == dict || e.kind == list && (isWrapper(e.key) || len(owners(e.key+".0")) > 0):
		if flat = flatten(e); isWrapper(e.key) && !strings.Contains(e.key, ".") {
			flat = append(flat, switchOn(e)) // also if it is empty
		} else if len(flat) == 0 && len(owners(e.key+".x")) == 0 {
			if err = known(e, append(ownKeys, knownSettings()...)); err != nil {
				return err
			}
			flat = []node{e} // which is refused, and not ignored
		}
	}
	for _, e := range flat {
		value, failed := o.required(e.key, e)
		if err = settings.Join(err, failed); failed == nil {
			to[e.key], places[e.key] = value, e.at()
		}
	}
	return err
}

// switchOn returns the setting that turns a wrapper on.
func switchOn(e node) node {
	return node{key: e.key + ".enabled", kind: scalar, text: "true", keyLine: e.keyLine, keyColumn: e.keyColumn}
}

func noSettings(e node) error {
	return invalid(e.at(), "%s has no settings: want true, false or a map of them", e.key)
}

// inherit reads an entry of the file's top level that replicas inherit.
func (o Options) inherit(r *Replica, e node, places map[string]node) error {
	if slices.Contains(daemonOfReplica, e.key) {
		r.daemon = append(r.daemon, o.daemon(e)...)
		return nil
	}
	if e.kind == null || isNoEncryption(e) {
		return o.set(r, e, places)
	}
	return o.setStore(r.source(), r.source().Defaults, e, places)
}

// daemon returns an entry as settings for the daemon.
func (o Options) daemon(e node) (found []Setting) {
	for _, e := range flatten(e) {
		value, _ := o.text(e)
		found = append(found, Setting{e.key, value, e.keyLine, e.keyColumn})
	}
	return found
}

// without returns the inherited settings that the replica does not set
// itself.
func without(inherited, own []Setting) []Setting {
	return slices.DeleteFunc(slices.Clone(inherited), func(s Setting) bool {
		return slices.ContainsFunc(own, func(o Setting) bool { return o.Key == s.Key })
	})
}

// finish finds the backend and completes the source for it.
func (o Options) finish(r *Replica, n node) error {
	src := r.source()
	table, err := o.backendOf(src, n)
	if err != nil {
		return err
	}
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(src.Settings)) {
		if _, _, ok := table.Lookup(key); ok || isWrapper(key) {
			continue
		}
		types := owners(key)
		at, where := placeOfKey(src, key)
		if len(types) > 0 && !slices.Contains(types, src.Type) {
			wrong = append(wrong, invalidAt(at, n, "%s%s is a setting of type %s, and this replica's type is %s",
				key, where, strings.Join(types, " or "), src.Type))
			delete(src.Settings, key)
		} else if nearest := settings.Nearest(key, knownSettings()); slices.Contains(daemonOfReplica, nearest) {
			wrong = append(wrong, invalidAt(at, n, "unknown setting %q%s: did you mean %s?", key, where, nearest)) // the backend does not know that
			delete(src.Settings, key)
		}
	}
	for key, value := range src.Defaults {
		if _, _, ok := table.Lookup(key); !ok && !meansWrapper(key, value) {
			delete(src.Defaults, key) // another replica's
		}
	}
	if o.Litestream && src.Type == "nats" {
		wrong = append(wrong, natsPlace(src, n))
	}
	if src.URL != "" {
		for _, key := range []string{"path", "bucket"} {
			if src.Settings[key] != "" {
				at, where := placeOfKey(src, key)
				wrong = append(wrong, invalidAt(at, n, "url and %s%s say the same thing: want one of them", key, where))
				delete(src.Settings, key)
			}
		}
	}
	if path := src.Settings["path"]; src.Type == "file" {
		if strings.Contains(path, "://") {
			at, where := placeOfKey(src, "path")
			wrong = append(wrong, invalidAt(at, n, "path%s is a URL: want it as url", where))
		} else if path, err = o.home(n, path); err != nil {
			wrong = append(wrong, err)
		} else if path != "" {
			src.Settings["path"] = path
		}
	}
	if o.Litestream {
		given := src.URL
		r.litestream = func() string { return given }
		o.litestreamPlace(src, n)
		src.Layout = LitestreamLayout(src.Type).String()
	}
	return settings.Join(wrong...)
}

// backendOf determines the type: the scheme of the URL, or "type", or "file".
// A type without a backend is noBackend.
func (o Options) backendOf(src *ltxstore.Source, n node) (table settings.Table, err error) {
	if src.URL == "" && src.Type == "" {
		src.Type = "file"
	}
	scheme := strings.ToLower(src.Type)
	if src.URL != "" {
		scheme, err = settings.Scheme(src.URL)
	}
	if err == nil && settings.Drivers().Get(scheme) == nil && (src.Type == "" || strings.EqualFold(src.Type, scheme)) {
		src.Type = scheme
		return nil, &noBackend{invalid(n, "replicas of type %s are not supported: known are %s", settings.Quote(scheme), strings.Join(settings.Drivers().All(), ", "))}
	}
	if src.Type, err = src.Scheme(); err != nil {
		return nil, openFailed(n, err)
	}
	return settings.Drivers().Get(src.Type), nil
}

// noBackend is the error of a replica, or of one of its mirrors, whose type has no
// backend.
type noBackend struct{ err error }

func (e *noBackend) Error() string { return e.err.Error() }
func (e *noBackend) Unwrap() error { return e.err }

// placeOfKey returns where a setting of a section is, and that in brackets for
// an error.
func placeOfKey(src *ltxstore.Source, key string) (at node, bracket string) {
	at.line, at.column = src.Where(key)
	if at.line == 0 {
		return at, ""
	}
	return at, " (" + at.where() + ")"
}

// owners returns the types that have a setting with a name, registered or
// not.
func owners(key string) (types []string) {
	for _, scheme := range settings.Drivers().All() {
		table := settings.Drivers().Get(scheme)
		_, _, ok := table.Lookup(key)
		if _, _, isMap := table.Lookup(key + ".x"); ok || isMap {
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

// known returns an error if the key of an entry is not in names and no
// backend has it.
func known(e node, names []string) error {
	head, _, _ := strings.Cut(e.key, ".")
	if slices.Contains(names, e.key) || slices.Contains(names, head) || len(owners(e.key)) > 0 {
		return nil
	}
	return unknown(e, names)
}

// unknown returns the error for a key that is not in names.
func unknown(e node, names []string) error {
	if nearest := settings.Nearest(e.key, names); nearest != "" {
		return invalid(e.at(), "unknown setting %q: did you mean %s?", e.key, nearest)
	}
	return invalid(e.at(), "unknown setting %q%s", e.key, settings.Known(e.key, names))
}

// knownBelow returns an error for each setting below one of the daemon's that is not known.
func knownBelow(e node) error {
	maps, names := e.items, belowDaemon[e.key]
	if e.kind == dict {
		maps = []node{e}
	}
	if len(maps) > 0 && names == nil {
		return invalid(e.at(), "%s has no settings below it: want one value", e.key)
	}
	var failed []error
	for _, m := range maps {
		for _, below := range m.items {
			if !slices.Contains(names, below.key) {
				failed = append(failed, unknown(below, names))
			}
		}
	}
	return settings.Join(failed...)
}

// knownSettings returns the settings that sections can have, whatever their
// type.
func knownSettings() []string {
	names := slices.Concat(daemonOfReplica, settings.WrapperNames(), []string{"age", "path", "layout"})
	for _, keys := range settingsOf {
		names = append(names, keys...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
