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
	r := opts.reader()
	return r.only(r.replicas(n, nil))
}

// replicas reads a section or a list of them.
func (r *reader) replicas(n node, defaults []node) (found []Replica) {
	if n.kind != list {
		return []Replica{r.replica(n, defaults)}
	}
	for _, n := range n.items {
		found = append(found, r.replica(n, defaults))
	}
	return found
}

// replica reads a section, and checks it with its backend and wrappers. One
// that is wrong has only the settings of the daemon.
func (r *reader) replica(n node, defaults []node) Replica {
	failed, warnings := len(r.failed), r.warnings
	r.warnings = nil
	s := r.section(n, defaults)
	unread := len(r.failed) > failed // what could not be read is not missing
	if s.made.unsupported == nil && s.src.Type+s.src.URL != "" {
		for _, err := range settings.Split(s.src.Check()) {
			if missing := new(settings.FieldError); !unread || !errors.As(err, &missing) || !missing.Missing() {
				r.failed = append(r.failed, openFailed(n, err))
			}
		}
	}
	if len(r.failed) > failed {
		r.warnings = warnings
		return Replica{daemon: s.made.daemon}
	}
	if r.Litestream && s.made.unsupported == nil {
		r.warnPlace(s.made.Place(), s.src, n)
	}
	s.made.warnings = r.warnings
	r.warnings = append(warnings, r.warnings...)
	return s.made
}

// section is a section that is read.
type section struct {
	*reader
	made Replica
	n    node
	src  *ltxstore.Source
	at   map[string]node // the place of each setting
}

// section reads a section without checking its settings.
func (r *reader) section(n node, defaults []node) *section {
	at := make(map[string]node)
	src := &ltxstore.Source{
		Settings: make(map[string]string),
		Defaults: make(map[string]string),
		Where:    func(key string) (line, column int) { return at[key].line, at[key].column },
		Getenv:   r.Getenv,
	}
	s := &section{reader: r, n: n, src: src, at: at}
	s.made.source = func() *ltxstore.Source { return src }
	if n.kind != dict {
		r.invalid(n, "want a map with the settings of a replica, or a list of such maps")
		return s
	}
	for _, e := range defaults {
		s.set(e, src.Defaults)
	}
	inherited, inheritedMirrors := s.made.daemon, s.src.Mirrors
	s.made.daemon, s.src.Mirrors = nil, nil
	for _, e := range n.items {
		s.set(e, src.Settings)
	}
	s.made.daemon = append(s.made.daemon, without(inherited, s.made.daemon)...)
	if len(s.src.Mirrors) == 0 && !isOff(s.src.Settings[mirror]) && !isOff(s.src.Settings[mirror+".enabled"]) {
		s.src.Mirrors = inheritedMirrors
	}
	before := len(r.failed)
	if s.finish(); len(r.failed) > before { // nothing more can be checked
		s.src.Type, s.src.URL = "", ""
	}
	return s
}

// wrong notes that a setting of the section is wrong.
func (s *section) wrong(key, format string, args ...any) {
	s.failed = append(s.failed, invalidAt(s.at[key], s.n, format, args...))
}

// set reads one entry: of the section, or one that it inherits.
func (s *section) set(e node, to map[string]string) {
	switch {
	case isNoEncryption(e): // inherited, if it is
	case e.kind == null && isWrapper(e.key) && len(owners(e.key)) == 0:
		s.invalid(e.at(), "%s has no settings: want true, false or a map of them", e.key)
	case e.kind == null:
		s.known(e, append(ownKeys, knownSettings()...))
	case e.key == "url":
		s.src.URL, _ = s.required(e.key, e)
	case e.key == "type":
		s.src.Type, _ = s.required(e.key, e)
	case e.key == "name":
		s.made.name, _ = s.required(e.key, e)
	case slices.Contains(daemonOfReplica, e.key):
		s.made.daemon = append(s.made.daemon, s.daemon(e)...)
	default:
		s.setStore(e, to)
	}
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
func (s *section) setStore(e node, to map[string]string) {
	flat := []node{e}
	switch {
	case e.key == mirror || e.key == mirrors:
		failed := len(s.failed)
		if flat = s.mirrorsIn(e); len(s.failed) > failed {
			s.src.Mirrors = nil
			return
		}
	case e.kind == dict || e.kind == list && (isWrapper(e.key) || len(owners(e.key+".0")) > 0):
		if flat = flatten(e); isWrapper(e.key) && !strings.Contains(e.key, ".") {
			flat = append(flat, switchOn(e)) // also if it is empty
		} else if len(flat) == 0 && len(owners(e.key+".x")) == 0 {
			if !s.known(e, append(ownKeys, knownSettings()...)) {
				return
			}
			flat = []node{e} // which is refused, and not ignored
		}
	}
	for _, e := range flat {
		if value, ok := s.required(e.key, e); ok {
			to[e.key], s.at[e.key] = value, e.at()
		}
	}
}

// switchOn returns the setting that turns a wrapper on.
func switchOn(e node) node {
	return node{key: e.key + ".enabled", kind: scalar, text: "true", keyLine: e.keyLine, keyColumn: e.keyColumn}
}

// daemon returns an entry as settings for the daemon.
func (r *reader) daemon(e node) (found []Setting) {
	for _, e := range flatten(e) {
		value, _ := r.text(e)
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
func (s *section) finish() {
	src := s.src
	table := s.backend()
	if table == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(src.Settings)) {
		if _, _, ok := table.Lookup(key); ok || isWrapper(key) {
			continue
		}
		types, where := owners(key), s.at[key].bracket()
		if len(types) > 0 && !slices.Contains(types, src.Type) {
			s.wrong(key, "%s%s is a setting of type %s, and this replica's type is %s", key, where, strings.Join(types, " or "), src.Type)
			delete(src.Settings, key)
		} else if nearest := settings.Nearest(key, knownSettings()); slices.Contains(daemonOfReplica, nearest) {
			s.wrong(key, "unknown setting %q%s: did you mean %s?", key, where, nearest) // the backend does not know that
			delete(src.Settings, key)
		}
	}
	for key, value := range src.Defaults {
		if _, _, ok := table.Lookup(key); !ok && !meansWrapper(key, value) {
			delete(src.Defaults, key) // another replica's
		}
	}
	if s.Litestream && src.Type == "nats" {
		s.natsPlace()
	}
	for _, key := range []string{"path", "bucket"} {
		if src.URL != "" && src.Settings[key] != "" {
			s.wrong(key, "url and %s%s are the same setting: want one of them", key, s.at[key].bracket())
			delete(src.Settings, key)
		}
	}
	if path := src.Settings["path"]; src.Type == "file" && path != "" {
		absolute, ok := s.home(path)
		switch src.Settings["path"] = absolute; {
		case strings.Contains(path, "://"):
			s.wrong("path", "path%s is a URL: use url instead", s.at["path"].bracket())
		case !ok:
			s.invalid(s.n, "path is %q, and HOME is not set: want an absolute path", path)
		}
	}
	if s.Litestream {
		given := src.URL
		s.made.litestream = func() string { return given }
		s.litestreamPlace()
		src.Layout = LitestreamLayout(src.Type).String()
	}
}

// backend determines the type: the scheme of the URL, or "type", or "file". It
// returns the settings of the backend, or nil if there is none.
func (s *section) backend() settings.Table {
	src := s.src
	if src.URL == "" && src.Type == "" {
		src.Type = "file"
	}
	scheme, err := strings.ToLower(src.Type), error(nil)
	if src.URL != "" {
		scheme, err = settings.Scheme(src.URL)
	}
	if err == nil && settings.Drivers().Get(scheme) == nil && (src.Type == "" || strings.EqualFold(src.Type, scheme)) {
		src.Type = scheme
		s.made.unsupported = invalid(s.n, "replicas of type %s are not supported: known are %s", settings.Quote(scheme), strings.Join(settings.Drivers().All(), ", "))
		return nil
	}
	if src.Type, err = src.Scheme(); err != nil {
		s.failed = append(s.failed, openFailed(s.n, err))
		return nil
	}
	return settings.Drivers().Get(src.Type)
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

// known reports whether the key of an entry is in names or some backend has
// it. If not, it is wrong.
func (r *reader) known(e node, names []string) bool {
	head, _, _ := strings.Cut(e.key, ".")
	if slices.Contains(names, e.key) || slices.Contains(names, head) || len(owners(e.key)) > 0 {
		return true
	}
	r.unknown(e, names)
	return false
}

// unknown notes that a key is not in names.
func (r *reader) unknown(e node, names []string) {
	if nearest := settings.Nearest(e.key, names); nearest != "" {
		r.invalid(e.at(), "unknown setting %q: did you mean %s?", e.key, nearest)
	} else {
		r.invalid(e.at(), "unknown setting %q%s", e.key, settings.Known(e.key, names))
	}
}

// knownBelow notes each setting below one of the daemon's that is not known.
func (r *reader) knownBelow(e node) {
	maps, names := e.items, belowDaemon[e.key]
	if e.kind == dict {
		maps = []node{e}
	}
	if len(maps) > 0 && names == nil {
		r.invalid(e.at(), "%s cannot have settings below it: want a value", e.key)
		return
	}
	for _, m := range maps {
		for _, below := range m.items {
			if !slices.Contains(names, below.key) {
				r.unknown(below, names)
			}
		}
	}
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
