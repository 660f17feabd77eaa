package config

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// mirror is the wrapper whose settings contain replicas.
const mirror = "mirror"

// mirrorsIn adds the replicas in the entry of a mirror, and returns the settings in it. The
// entry is "mirror: URL", "mirror: [...]" or "mirror: {replicas: ...}".
func (s *section) mirrorsIn(e node) (flat []node) {
	var replicas []node
	switch {
	case e.kind == scalar && isSwitch(e.text):
		return []node{e}
	case e.kind == scalar:
		replicas = []node{e}
	case e.kind == list:
		replicas = e.items
	}
	flat = []node{switchOn(e)}
	for _, below := range e.items {
		switch {
		case e.kind == list:
		case below.key != "replicas":
			below.key = mirror + "." + below.key
			flat = append(flat, below.flatten()...)
		case below.kind == list:
			replicas = below.items
		default:
			replicas = []node{below}
		}
	}
	failed := len(s.failed)
	for _, n := range replicas {
		if n.kind == scalar {
			n = node{kind: dict, items: []node{n.named("url", n.line, n.column)}, line: n.line, column: n.column}
		}
		other := s.section(n, nil)
		if other.made.unsupported != nil {
			s.made.unsupported = other.made.unsupported
		}
		s.src.Mirrors = append(s.src.Mirrors, *other.src)
	}
	if len(s.failed) > failed { // they cannot be checked
		s.src.Mirrors = nil
		return nil
	}
	return flat
}

func isSwitch(value string) bool {
	_, err := settings.ParseBool(value)
	return err == nil
}

func isOff(value string) bool {
	on, err := settings.ParseBool(value)
	return err == nil && !on
}

// sub returns the source of the replica at the path clean below src.
func sub(src ltxstore.Source, clean string) ltxstore.Source {
	src.Settings = maps.Clone(src.Settings)
	if src.URL == "" && src.Settings != nil {
		src.Settings["path"] = path.Join(src.Settings["path"], clean)
	} else {
		place, query, hasQuery := strings.Cut(src.URL, "?")
		src.URL = strings.TrimSuffix(strings.TrimSuffix(place, "/."), "/") + "/" + escape(clean)
		if hasQuery {
			src.URL += "?" + query
		}
	}
	src.Mirrors = slices.Clone(src.Mirrors)
	for i, other := range src.Mirrors {
		src.Mirrors[i] = sub(other, clean)
	}
	return src
}
