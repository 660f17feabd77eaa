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

// mirrorsIn returns the replicas in an entry of a mirror, and the other
// settings in it. The entry is "mirror: URL", "mirror: [...]" or "mirror:
// {replicas: ...}".
func (o Options) mirrorsIn(e entry) (replicas []ltxstore.Source, rest []entry, err error) {
	sections := []node{e.value}
	switch {
	case e.key == mirror && e.value.kind == dict:
		rest = append(rest, switchOn(e))
		for _, below := range e.value.entries {
			below.key = e.key + "." + below.key
			if below.key != mirrors {
				rest = append(rest, flatten(below)...)
				continue
			}
			if replicas, _, err = o.mirrorsIn(below); err != nil {
				return nil, nil, err
			}
		}
		return replicas, rest, nil
	case e.value.kind == null || e.key == mirror && e.value.kind == scalar && isSwitch(e.value.text):
		return nil, []entry{e}, nil
	case e.value.kind == list:
		sections = e.value.items
		rest = append(rest, switchOn(entry{mirror, e.value, e.line, e.column}))
	}
	for _, n := range sections {
		if n.kind == scalar {
			n = node{kind: dict, entries: []entry{{"url", n, n.line, n.column}}, line: n.line, column: n.column}
		}
		r, err := o.unchecked(n, nil)
		if err = settings.Join(err, r.unsupported); err != nil {
			return nil, nil, err
		}
		replicas = append(replicas, r.Source())
	}
	return replicas, rest, nil
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
