package config

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Place is the place of a replica, determined from its section, its URL, the
// environment and the defaults of its backend.
type Place struct {
	Type     string // the backend's scheme
	Bucket   string // empty in a store without buckets
	Path     string // what its keys, or the names of its files, begin with
	Endpoint string // the server's URL or host; empty is the service's own
	Region   string
	Layout   string // "auto" is found out when the replica is opened
}

// Place returns the place of the replica. If the replica is not supported,
// only Type is set.
func (r Replica) Place() Place { return placeOf(r.Source()) }

func placeOf(src ltxstore.Source) Place {
	found := describe(src)
	place := Place{
		Type: src.Type, Bucket: found["bucket"], Path: found["path"], Region: found["region"], Layout: found["layout"],
		Endpoint: cmp.Or(found["endpoint"], found["host"], found["webdav-url"], found["servers"], found["account-name"]),
	}
	if named := allOf(src).Get("layout"); named == "auto" {
		place.Layout = named
	}
	return place
}

// describe returns the settings of the backend that are texts and not
// secrets.
func describe(src ltxstore.Source) map[string]string {
	_, driver, err := src.Driver()
	if err != nil {
		return nil
	}
	describer, ok := driver.(interface {
		Describe(ltxstore.Source) (map[string]string, error)
	})
	if !ok {
		return nil
	}
	if src.Getenv == nil {
		src.Getenv = func(string) (string, bool) { return "", false }
	}
	found, _ := describer.Describe(src.Store())
	return found
}

// URL returns a URL of the replica for ltxstore.Open and the command, with
// the same place, layout and settings. It contains no secrets: credentials in
// the file must then come from the environment, and a wrapper with a secret
// is left out, as are the other replicas of a mirror.
func (r Replica) URL() string {
	src := r.Source()
	place := r.Place()
	_, driver, err := src.Driver()
	if r.unsupported != nil || err != nil {
		return r.String()
	}
	query, dropped := make(url.Values), []string{mirror}
	all := allOf(src)
	keys := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) // "x.9" before "x.10"
	for _, key := range keys {
		name, secret, ok := driver.Lookup(key)
		if wrapper, _, _ := strings.Cut(key, "."); !ok {
			if name, secret = lookupWrapper(key); secret {
				dropped = append(dropped, settings.Wrappers().First(wrapper))
			}
		}
		if !secret && name != "access-key-id" {
			query[name] = append(query[name], all[key]...)
		}
	}
	found := describe(src)
	for _, name := range []string{"endpoint", "region", "user", "username", "webdav-username", "account-name"} { // the URL's host and user
		if found[name] != "" {
			query.Set(name, found[name])
		}
	}
	for key := range query {
		head, _, _ := strings.Cut(key, ".")
		if slices.Contains(dropped, head) {
			delete(query, key)
		}
	}
	raw, contains := place.Type+"://", []string(nil)
	if of, ok := driver.(interface {
		URL(map[string]string) (string, []string)
	}); ok {
		raw, contains = of.URL(found)
	}
	for _, key := range contains {
		query.Del(key)
	}
	query.Set("layout", place.Layout)
	return raw + "?" + query.Encode()
}

// lookupWrapper is Lookup of the wrapper that a key belongs to.
func lookupWrapper(key string) (name string, secret bool) {
	wrapper, _, _ := strings.Cut(key, ".")
	if known, ok := settings.Wrappers().Get(wrapper).(interface {
		Lookup(string) (string, bool, bool)
	}); ok {
		name, secret, _ = known.Lookup(key)
	}
	return name, secret
}

// allOf returns the settings of src by the names that src uses: those of the
// query, those of the file, and the inherited ones that neither of them
// overrides.
func allOf(src ltxstore.Source) url.Values {
	_, query, _ := strings.Cut(src.URL, "?")
	all, _ := url.ParseQuery(query)
	maps.DeleteFunc(all, func(_ string, values []string) bool { return values[0] == "" })
	for _, given := range []map[string]string{src.Settings, src.Defaults} {
		for key, value := range given {
			if value != "" && !all.Has(key) {
				all.Set(key, value)
			}
		}
	}
	return all
}
