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
func (s *section) mirrorsIn(e node) []node {
	if _, err := settings.ParseBool(e.text); e.kind == scalar && err == nil {
		return []node{e}
	}
	flat, replicas := []node{switchOn(e)}, e
	if e.kind == dict {
		replicas, _ = e.get("replicas")
		for _, below := range e.items {
			if below.key != "replicas" {
				below.key = mirror + "." + below.key
				flat = append(flat, below.flatten()...)
			}
		}
	}
	if replicas.kind != list && replicas.kind != null {
		replicas = node{kind: list, items: []node{replicas}}
	}
	failed := len(s.failed)
	for _, n := range replicas.items {
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
