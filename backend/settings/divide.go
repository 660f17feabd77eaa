package settings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// mirror is the wrapper that Source.Mirrors belongs to.
const mirror = "mirror"

// divided is a Source that was divided among the backend and its wrappers.
type divided struct {
	store  part
	layers []layer // the outermost first
	err    error   // of settings that belong to nothing
}

// layer is the part of a wrapper.
type layer struct {
	part
	wrapper *wrapper
	mirrors []ltxstore.Source
}

// divide divides src. A setting of a wrapper that is not imported is an
// error: the store must not be used without the wrapper.
func (d *driver) divide(src ltxstore.Source) divided {
	inURL, errURL := d.fromURL(src.URL, d.place)
	var wrong []error
	sort := func(all list) map[string]list {
		found := make(map[string]list)
		for _, v := range all {
			name, err := d.owner(v)
			if err != nil {
				wrong = append(wrong, placed(err, v))
				continue
			}
			found[name] = append(found[name], v)
		}
		return found
	}
	own := sort(append(inURL, fromFile(src.Settings, src.Where)...))
	defaults := sort(fromFile(src.Defaults, src.Where))
	if len(src.Mirrors) > 0 && wrapperNamed(mirror) == nil {
		wrong = append(wrong, errors.New("Mirrors "+notImported(mirror)))
	}
	all := divided{store: d.part(own[""], defaults[""]), err: settings.Join(wrong...)}
	all.store.err = settings.Join(errURL, all.store.err)
	for _, name := range stacking(settings.Wrappers().Names()) {
		l := layer{wrapper: wrapperNamed(name)}
		if name == mirror {
			l.mirrors = src.Mirrors
		}
		if len(own[name])+len(defaults[name])+len(l.mirrors) > 0 {
			l.part = l.wrapper.part(own[name], defaults[name])
			all.layers = append(all.layers, l)
		}
	}
	return all
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
