package settings

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ReplicasName is the setting of a wrapper that has replicas in it: a list of URLs,
// or of maps with the settings of a replica. The wrapper's own name is short for it.
const ReplicasName = "replicas"

// Replicas splits what src says of a wrapper into its settings and the replicas in
// it. In a URL they are NAME=URL, repeated; in a file NAME.0=URL, or NAME.0.url=URL and
// NAME.0.SETTING=VALUE. Those that are inherited count where there are no others.
func Replicas(src Source, name string) (rest Source, replicas []Source, err error) {
	rest = src
	fromURL := collector{name: name, src: src}
	place, query, _ := strings.Cut(src.URL, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		key, ok := queryKey(part)
		_, value, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(value)
		if !ok || err != nil || !fromURL.take(key, value) {
			kept = append(kept, part)
		}
	}
	if rest.URL = ""; len(kept) > 0 && kept[0] != "" {
		rest.URL = place + "?" + strings.Join(kept, "&")
	}
	fromFile := collector{name: name, src: src}
	rest.Settings = fromFile.takeAll(src.Settings)
	inherited := collector{name: name, src: src}
	rest.Defaults = inherited.takeAll(src.Defaults)
	switch {
	case len(fromURL.found) > 0 && len(fromFile.found) > 0:
		return rest, nil, fmt.Errorf("%s%s and %s%s say the same thing: want one of them", name, inURL, fromFile.first, placeIn(src.Where, fromFile.first))
	case len(fromURL.found) > 0:
		return rest, fromURL.sorted(), nil
	case len(fromFile.found) > 0:
		return rest, fromFile.sorted(), nil
	}
	return rest, inherited.sorted(), nil
}

// IsReplica reports whether a key is of a replica in a wrapper: its value may hold
// secrets of any kind.
func IsReplica(name, key string) bool {
	c := collector{name: name}
	return c.take(key, "")
}

// collector finds the replicas among settings.
type collector struct {
	name  string
	src   Source
	found map[int]*Source
	first string // the first key of one
}

// takeAll takes what it can, and returns the rest.
func (c *collector) takeAll(settings map[string]string) map[string]string {
	rest := maps.Clone(settings)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if c.take(key, settings[key]) {
			delete(rest, key)
		}
	}
	return rest
}

// take is false for a setting that is of no replica.
func (c *collector) take(key, value string) bool {
	below, ok := strings.CutPrefix(key, c.name)
	if _, err := ParseBool(value); !ok || below == "" && err == nil {
		return false
	}
	if below == "" || below == "."+ReplicasName {
		next := 0
		for n := range c.found {
			next = max(next, n+1)
		}
		c.at(next, key).URL = value
		return true
	}
	below = strings.TrimPrefix(below, "."+ReplicasName)
	below, ok = strings.CutPrefix(below, ".")
	index, setting, nested := strings.Cut(below, ".")
	n, err := strconv.ParseUint(index, 10, 16)
	if !ok || err != nil {
		return false
	}
	switch at := c.at(int(n), key); {
	case !nested || setting == "url":
		at.URL = value
	case setting == "type":
		at.Type = value
	default:
		at.Settings[setting] = value
	}
	return true
}

// at returns the replica with a number.
func (c *collector) at(n int, key string) *Source {
	if c.found == nil {
		c.found, c.first = make(map[int]*Source), key
	}
	if c.found[n] == nil {
		where := func(setting string) string {
			if c.src.Where == nil {
				return ""
			}
			for _, prefix := range []string{c.name, c.name + "." + ReplicasName} {
				if place := c.src.Where(fmt.Sprintf("%s.%d.%s", prefix, n, setting)); place != "" {
					return place
				}
			}
			return ""
		}
		c.found[n] = &Source{Settings: make(map[string]string), Where: where, Getenv: c.src.Getenv}
	}
	return c.found[n]
}

// sorted returns the replicas in order. One that says neither what nor where it is has
// type file, as in a configuration file.
func (c *collector) sorted() (replicas []Source) {
	for _, n := range slices.Sorted(maps.Keys(c.found)) {
		r := *c.found[n]
		if r.URL == "" && r.Type == "" {
			r.Type = "file"
		}
		replicas = append(replicas, r)
	}
	return replicas
}
