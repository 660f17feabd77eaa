package settings

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// mirror is the wrapper that Source.Mirrors belongs to.
const mirror = "mirror"

// plan is a Source that was divided among the backend and its wrappers, and
// the Configs that were decoded from it.
type plan struct {
	driver     *driver
	store      part
	cfg        reflect.Value // of the store: a *C
	findLayout bool
	layers     []*layer // the outermost first
}

// layer is a wrapper.
type layer struct {
	part
	wrapper *wrapper
	mirrors []ltxstore.Source
	cfg     any // a *C, or nil if the wrapper is turned off
}

// divide divides src. The error is about settings that belong to nothing: one
// of a wrapper that is not imported must not be left out, because the store
// must not be used without the wrapper.
func (d *driver) divide(src ltxstore.Source) (*plan, error) {
	inURL, err := d.fromURL(src.URL, d.place)
	p := &plan{driver: d, store: part{Table: d.Table, err: err}}
	parts := map[string]*part{"": &p.store}
	for _, name := range stacking(settings.Wrappers().Names()) {
		l := &layer{wrapper: wrapperNamed(name)}
		if l.Table = l.wrapper.Table; name == mirror {
			l.mirrors = src.Mirrors
		}
		p.layers = append(p.layers, l)
		parts[name] = &l.part
	}
	var wrong []error
	for _, v := range slices.Concat(inURL, fromFile(src.Settings, src.Where, false), fromFile(src.Defaults, src.Where, true)) {
		if name, err := d.owner(v); err != nil {
			wrong = append(wrong, placed(err, v))
		} else {
			parts[name].add(v)
		}
	}
	if len(src.Mirrors) > 0 && wrapperNamed(mirror) == nil {
		wrong = append(wrong, errors.New("Mirrors "+notImported(mirror)))
	}
	p.layers = slices.DeleteFunc(p.layers, func(l *layer) bool { return len(l.given)+len(l.mirrors) == 0 && l.err == nil })
	return p, settings.Join(wrong...)
}

// owner returns the name of the wrapper that a setting belongs to, or the
// empty string for the backend. A setting that the backend has is the
// backend's.
func (d *driver) owner(v given) (string, error) {
	name := settings.WrapperOf(v.key)
	switch _, _, ok := d.find(v.key); {
	case ok:
		return "", nil
	case name == "":
		return "", mistyped(v)
	case wrapperNamed(name) == nil:
		return "", fmt.Errorf("%v %s", v, notImported(name))
	}
	return name, nil
}

// wrapperNamed returns the wrapper with the given name or alias, or nil.
func wrapperNamed(name string) *wrapper {
	w, _ := settings.Wrappers().Get(name).(*wrapper)
	return w
}

func notImported(name string) string {
	return fmt.Sprintf(`is of the wrapper %s, which is not imported: want import _ "github.com/ltxstore/ltxstore/wrap/%s"`, name, name)
}

// mistyped returns an error for an unknown setting that looks like that of a
// wrapper, or nil.
func mistyped(v given) error {
	head, rest, dotted := strings.Cut(v.key, ".")
	nearest := settings.Nearest(head, settings.WrapperNames())
	if nearest == "" {
		return nil
	}
	if dotted {
		nearest += "." + rest
	}
	return fmt.Errorf("unknown setting %q%s: did you mean %s?", v.key, v.where, nearest)
}

// stacking sorts names of wrappers, the outermost first.
func stacking(names []string) []string {
	order := settings.Order()
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
	})
	return names
}
