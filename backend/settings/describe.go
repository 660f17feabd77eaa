package settings

import (
	"fmt"
	"reflect"

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
