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
const mirror, mirrors = "mirror", "mirror.replicas"

// mirrorsIn adds the replicas in an entry of a mirror, and returns the other
// settings in it. The entry is "mirror: URL", "mirror: [...]" or "mirror:
// {replicas: ...}".
func (s *section) mirrorsIn(e node) (rest []node) {
	sections := []node{e}
	switch {
	case e.key == mirror && e.kind == dict:
		rest = append(rest, switchOn(e))
		for _, below := range e.items {
			below.key = e.key + "." + below.key
			if below.key == mirrors {
				s.mirrorsIn(below)
			} else {
				rest = append(rest, flatten(below)...)
			}
		}
		return rest
	case e.kind == null || e.key == mirror && e.kind == scalar && isSwitch(e.text):
		return []node{e}
	case e.kind == list:
		sections = e.items
		rest = append(rest, switchOn(node{key: mirror, keyLine: e.keyLine, keyColumn: e.keyColumn}))
	}
	for _, n := range sections {
		if n.kind == scalar {
			url := n.named("url", n.line, n.column)
			n = node{kind: dict, items: []node{url}, line: n.line, column: n.column}
		}
		other := s.section(n, nil)
		if other.made.unsupported != nil {
			s.made.unsupported = other.made.unsupported
		}
		s.src.Mirrors = append(s.src.Mirrors, *other.src)
	}
	return rest
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
		src.URL = subURL(src.URL, clean)
	}
	src.Mirrors = slices.Clone(src.Mirrors)
	for i, other := range src.Mirrors {
		src.Mirrors[i] = sub(other, clean)
	}
	return src
}

func subURL(raw, clean string) string {
	place, query, hasQuery := strings.Cut(raw, "?")
	raw = strings.TrimSuffix(strings.TrimSuffix(place, "/."), "/") + "/" + escape(clean)
	if hasQuery {
		raw += "?" + query
	}
	return raw
}
