package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

var mirrorKey = regexp.MustCompile(`^(mirror(?:\.replicas)?(?:\.\d+)?)(?:\.(.*))?$`)

// mirrored are the keys of a replica in a mirror: its prefix, and the setting.
func mirrored(key string) (prefix, setting string, ok bool) {
	found := mirrorKey.FindStringSubmatch(key)
	if found == nil || !settings.IsReplica("mirror", key) {
		return "", "", false
	}
	return found[1], found[2], true
}

// completeMirror gives the replicas of a mirror what any replica of a file has: a home
// directory, and the layout of Litestream.
func (o Options) completeMirror(r *Replica, n node) error {
	whole := r.source()
	for _, given := range []map[string]string{whole.Settings, whole.Defaults} {
		for _, key := range slices.Sorted(maps.Keys(given)) {
			prefix, setting, ok := mirrored(key)
			if !ok || key == "mirror" && isSwitch(given[key]) {
				continue
			}
			if setting == "path" {
				path, err := o.home(n, given[key])
				if err != nil {
					return err
				}
				given[key] = path
			}
			if _, ok := given[prefix+".layout"]; ok || !o.Litestream {
				continue
			}
			url := given[prefix] + given[prefix+".url"]
			if strings.Contains(url, settings.LayoutName+"=") {
				continue
			}
			if prefix == "mirror" || prefix == "mirror.replicas" {
				return invalid(n, "%s%s is a URL: want a list of one, so that it has the layout of Litestream", key, bracket(whole.Where(key)))
			}
			src := ltxstore.Source{URL: url, Type: given[prefix+".type"]}
			if src.URL == "" && src.Type == "" {
				src.Type = "file"
			}
			if scheme, _, err := src.Driver(); err == nil { // else the mirror tells what is wrong
				given[prefix+".layout"] = litestreamLayout(scheme).String()
			}
		}
	}
	if o.Litestream && mirrorInURL(whole.URL) {
		return invalid(n, "the URL has a mirror: want it beside the URL, so that it has the layout of Litestream")
	}
	return nil
}

func isSwitch(value string) bool {
	_, err := settings.ParseBool(value)
	return err == nil
}

func mirrorInURL(raw string) bool {
	_, query, _ := strings.Cut(raw, "?")
	return strings.Contains("&"+query, "&mirror=") || strings.Contains("&"+query, "&mirror.")
}

// subMirror puts the replicas of a mirror at a path below theirs.
func subMirror(given map[string]string, clean string) map[string]string {
	sub := maps.Clone(given)
	for key, value := range given {
		prefix, setting, ok := mirrored(key)
		if !ok || key == "mirror" && isSwitch(value) {
			continue
		}
		_, hasURL := given[prefix+".url"]
		_, isURL := given[prefix]
		switch {
		case setting == "" || setting == "url":
			sub[key] = subURL(value, clean)
		case !hasURL && !isURL:
			sub[prefix+".path"] = subPath(given[prefix+".path"], clean)
		}
	}
	return sub
}

func subPath(path, clean string) string { return strings.TrimSuffix(path, "/") + "/" + clean }

func subURL(raw, clean string) string {
	place, query, hasQuery := strings.Cut(raw, "?")
	raw = strings.TrimSuffix(place, "/") + "/" + escape(clean)
	if hasQuery {
		raw += "?" + query
	}
	return raw
}
