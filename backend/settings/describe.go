package settings

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// driverOf returns the driver of the backend of src, or nil.
func driverOf(src ltxstore.Source) *driver {
	scheme, _ := src.Scheme()
	d, _ := settings.Drivers().Get(scheme).(*driver)
	return d
}

// Has reports whether the backend of src has the setting that key names.
func Has(src ltxstore.Source, key string) bool {
	d := driverOf(src)
	if d == nil {
		return false
	}
	_, _, ok := d.Lookup(key)
	return ok
}

// Describe returns the values of the backend's settings that are texts and not
// secrets, by name, whether they come from src, the environment or a default of
// the backend. "endpoint" and "user" are also the settings with that option. The
// layout is "auto" if it is detected when the replica is opened. If src is not valid,
// Describe returns nil.
func Describe(src ltxstore.Source) map[string]string {
	d := driverOf(src)
	if d == nil {
		return nil
	}
	p, _ := d.divide(src)
	if p.decode(src) != nil {
		return nil
	}
	found := make(map[string]string)
	for _, r := range d.rows {
		switch v := p.cfg.Elem().FieldByIndex(r.index); {
		case r.secret:
		case r.kind == kindLayout && p.findLayout:
			found[r.names[0]] = auto
		case r.kind == kindLayout:
			found[r.names[0]] = fmt.Sprint(v.Interface())
		case v.Kind() == reflect.String && v.Len() > 0:
			found[r.names[0]] = v.String()
			if r.role != "" && found[r.role] == "" {
				found[r.role] = v.String()
			}
		}
	}
	return found
}

// URLOf returns a URL of the replica for ltxstore.Open, with the same place,
// layout and settings. It contains no secrets: credentials must come from the
// environment, and a wrapper with a secret is left out, as are the other
// replicas of a mirror. If src is not valid, the URL is empty.
func URLOf(src ltxstore.Source) string {
	found := Describe(src)
	if found == nil {
		return ""
	}
	d, query := driverOf(src), make(url.Values)
	all, _ := d.divide(src)
	add := func(p part) {
		for _, v := range p.values() {
			if !v.secret && v.name != "access-key-id" {
				query.Add(p.prefix()+v.name, v.value)
			}
		}
	}
	add(all.store)
	for _, l := range all.layers {
		if l.Table.wrapper[0] != mirror && !slices.ContainsFunc(l.values(), func(v given) bool { return v.secret }) {
			add(l.part)
		}
	}
	for _, r := range d.rows { // the environment may say where the store is
		if name := r.names[0]; found[name] != "" && (r.role != "" || slices.Contains([]string{"endpoint", "region", "user"}, name)) {
			query.Set(name, found[name])
		}
	}
	raw, contains := d.url(found)
	for _, key := range contains {
		query.Del(key)
	}
	query.Set(layoutName, found[layoutName])
	return raw + "?" + query.Encode()
}
