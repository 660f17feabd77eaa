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
	n, err := parse(data)
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
	failed := len(r.failed)
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
		return Replica{daemon: s.made.daemon}
	}
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
	inherited, inheritedMirrors := s.made.daemon, src.Mirrors
	s.made.daemon, src.Mirrors = nil, nil
	for _, e := range n.items {
		s.set(e, src.Settings)
	}
	own := s.made.daemon
	for _, setting := range inherited {
		if !slices.ContainsFunc(own, func(o Setting) bool { return o.Key == setting.Key }) {
			s.made.daemon = append(s.made.daemon, setting)
		}
	}
	if len(src.Mirrors) == 0 && !isOff(src.Settings[mirror]) && !isOff(src.Settings[mirror+".enabled"]) {
		src.Mirrors = inheritedMirrors
	}
	before := len(r.failed)
	if s.finish(); len(r.failed) > before { // nothing more can be checked
		src.Type, src.URL = "", ""
	}
	return s
}

// set reads one entry: of the section, or one that it inherits.
func (s *section) set(e node, to map[string]string) {
	switch {
	case isNoEncryption(e): // inherited, if it is
	case e.kind == null && isWrapper(e.key):
		s.invalid(e, "%s has no settings: want true, false or a map of them", e.key)
	case e.kind == null && isOwn(e.key):
	case e.key == "url":
		s.src.URL, _ = s.required(e)
	case e.key == "type":
		s.src.Type, _ = s.required(e)
	case e.key == "name":
		s.made.name, _ = s.required(e)
	case e.key == mirror:
		s.setFlat(s.mirrorsIn(e), to)
	default:
		if found, ok := s.daemon(e, daemonOfReplica); ok {
			s.made.daemon = append(s.made.daemon, found...)
			return
		}
		flat := e.flatten()
		if isWrapper(e.key) && !strings.Contains(e.key, ".") && e.kind != scalar {
			flat = slices.Insert(flat, 0, switchOn(e)) // also if it is empty
		} else if len(flat) == 0 && s.known(e, nil) && e.kind != null && len(owners(e.key+".x")) == 0 {
			flat = []node{e} // which is refused, and not ignored
		}
		s.setFlat(flat, to)
	}
}

// isOwn reports whether a key identifies the replica.
func isOwn(key string) bool { return slices.Contains([]string{"url", "type", "name"}, key) }

// setFlat sets settings of the store or of a wrapper.
func (s *section) setFlat(flat []node, to map[string]string) {
	for _, n := range flat {
		if value, ok := s.required(n); ok {
			to[n.key], s.at[n.key] = value, n
		}
	}
}

// known reports whether the key of an entry is that of a setting of any type. If not, it
// is wrong; there may be other names, which are known elsewhere.
func (r *reader) known(n node, others []string) bool {
	head, _, _ := strings.Cut(n.key, ".")
	names := ofReplicas()
	if slices.Contains(names, head) || isWrapper(n.key) || len(owners(n.key)) > 0 {
		return true
	}
	r.unknown(n, append(names, others...))
	return false
}

// isNoEncryption reports whether an entry is an empty "age", which in
// Litestream means no encryption.
func isNoEncryption(e node) bool {
	isEmpty := func(n node) bool { return n.kind == null || n.kind == list && len(n.items) == 0 }
	return e.key == "age" && (e.kind == null || e.kind == dict) && !slices.ContainsFunc(e.items, func(n node) bool { return !isEmpty(n) })
}

// isWrapper reports whether a key belongs to a wrapper, imported or not.
func isWrapper(key string) bool { return settings.WrapperOf(key) != "" }

// switchOn returns the setting that turns a wrapper on.
func switchOn(e node) node {
	return node{key: e.key + ".enabled", kind: scalar, text: "true", line: e.line, column: e.column}
}

// finish finds the backend and completes the source for it.
func (s *section) finish() {
	src := s.src
	table := s.backend()
	if table == nil {
		return
	}
	wrong := func(key, format string, args ...any) {
		s.invalid(s.at[key], format, args...)
		delete(src.Settings, key)
	}
	for _, key := range slices.Sorted(maps.Keys(src.Settings)) {
		if _, _, ok := table.Lookup(key); ok || isWrapper(key) {
			continue
		}
		if types := owners(key); len(types) > 0 && !slices.Contains(types, src.Type) {
			wrong(key, "%s is a setting of type %s, and this replica's type is %s", key, strings.Join(types, " or "), src.Type)
		} else if nearest := settings.Nearest(key, ofReplicas()); slices.Contains(daemonOfReplica, nearest) { // the backend does not know that
			wrong(key, "unknown setting %q: did you mean %s?", key, nearest)
		}
	}
	for key := range src.Defaults {
		if _, _, ok := table.Lookup(key); !ok && !isWrapper(key) {
			delete(src.Defaults, key) // another replica's
		}
	}
	if s.Litestream && src.Type == "nats" {
		s.natsPlace(wrong)
	}
	for _, key := range []string{"path", "bucket"} {
		if src.URL != "" && src.Settings[key] != "" {
			wrong(key, "url and %s are the same setting: want one of them", key)
		}
	}
	if path := src.Settings["path"]; src.Type == "file" && path != "" {
		absolute, ok := s.home(path)
		switch src.Settings["path"] = absolute; {
		case strings.Contains(path, "://"):
			wrong("path", "path is a URL: use url instead")
		case !ok:
			wrong("path", "path is %q, and HOME is not set: want an absolute path", path)
		}
	}
	if s.Litestream {
		s.litestreamPlace()
		s.made.litestream = true
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

// owners returns the types that have a setting with a name.
func owners(key string) (types []string) {
	for _, scheme := range settings.Drivers().Names() {
		table := settings.Drivers().Get(scheme)
		_, _, ok := table.Lookup(key)
		if _, _, isMap := table.Lookup(key + ".x"); ok || isMap {
			types = append(types, scheme)
		}
	}
	return types
}
