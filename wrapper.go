package ltxstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// wrapperDriver puts clients into a wrapper according to settings. Package
// backend/settings implements it for each wrapper that is imported.
type wrapperDriver interface {
	// Wrap returns next inside the wrapper, or next itself if src turns the
	// wrapper off. src has only the settings of the wrapper, by their full
	// names ("compress.level"), and a URL that consists of a query. mirrors
	// are the clients of src.Mirrors, which the caller closes if Wrap fails.
	// Wrap sends no request. No error shows a secret.
	Wrap(next ReplicaClient, src Source, mirrors []ReplicaClient) (ReplicaClient, error)

	// Check returns the error that Wrap would return because of src itself.
	// retries says whether the client inside retries failed requests. Check
	// makes no client, starts nothing and registers nothing.
	Check(src Source, retries bool) error

	// Lookup returns the full name of the setting that key names, and whether
	// its value is a secret. ok is false if the wrapper has no such setting.
	Lookup(key string) (name string, secret, ok bool)
}

// driverOfWrapper returns the driver of the wrapper with the given name or
// alias, or nil.
func driverOfWrapper(name string) wrapperDriver {
	driver, _ := settings.Wrappers().Get(name).(wrapperDriver)
	return driver
}

// wrapperOf returns the name of the wrapper that has the setting key,
// imported or not, or the empty string. A setting that the backend has
// belongs to the backend.
func wrapperOf(driver Driver, key string) string {
	if _, _, ok := driver.Lookup(key); ok {
		return ""
	}
	return settings.WrapperOf(key)
}

// parts is a Source that was split into the store and its wrappers.
type parts struct {
	scheme string
	driver Driver
	store  Source
	layers []layer // the outermost first

	wrong error // settings of wrappers that there are not
}

type layer struct {
	name   string
	driver wrapperDriver
	src    Source
}

// split splits src into the store and its wrappers. A setting of a wrapper
// that is not imported is an error: the store must not be used without the
// wrapper.
func (src Source) split() (p parts, err error) {
	if p.scheme, p.driver, err = src.Driver(); err != nil {
		return p, err
	}
	if src.Getenv == nil {
		src.Getenv = os.LookupEnv
	}
	all, err := src.divide(func(key, where string) (string, error) {
		name := wrapperOf(p.driver, key)
		if _, _, known := p.driver.Lookup(key); name == "" && !known {
			return "", mistyped(key, where)
		}
		if name != "" && driverOfWrapper(name) == nil {
			return "", fmt.Errorf("%s%s %s", key, where, notImported(name))
		}
		return name, nil
	})
	p.wrong = settings.Each(err, func(err error) error { return openFailed(p.scheme, err) })
	p.store = *all[""]
	delete(all, "")
	for _, name := range stacking(slices.Collect(maps.Keys(all))) {
		p.layers = append(p.layers, layer{name, driverOfWrapper(name), *all[name]})
	}
	return p, nil
}

// Store returns src without the settings of wrappers and without Mirrors. A
// source without a driver is returned unchanged.
func (src Source) Store() Source {
	if p, err := src.split(); err == nil {
		p.store.Getenv = src.Getenv
		return p.store
	}
	return src
}

// divide returns the parts of src by the name of the wrapper; that of the
// store is named "". owner returns the name for a setting and the place where
// it was given. In its part, the settings of a wrapper keep their full names,
// and the URL consists of a query: "compress:?compress.level=best".
func (src Source) divide(owner func(key, where string) (string, error)) (map[string]*Source, error) {
	place, query, hasQuery := strings.Cut(src.URL, "?")
	store := src
	store.URL, store.Settings, store.Defaults, store.Mirrors = place, nil, nil, nil
	all := map[string]*Source{"": &store}
	var wrong []error
	part := func(name string, err error) *Source {
		if err != nil {
			wrong = append(wrong, err)
			return new(Source) // of what is refused
		}
		if all[name] == nil {
			all[name] = &Source{Where: src.Where, Getenv: src.Getenv}
		}
		return all[name]
	}
	if len(src.Mirrors) > 0 {
		var err error
		if driverOfWrapper(mirror) == nil {
			err = errors.New("Mirrors " + notImported(mirror))
		}
		part(mirror, err).Mirrors = src.Mirrors
	}
	for param := range strings.SplitSeq(query, "&") {
		key, _, hasValue := strings.Cut(param, "=")
		key, err := url.QueryUnescape(key)
		to := &store
		if err == nil && hasValue && key != "" { // what cannot be read is the store's to refuse
			to = part(owner(key, " in the URL"))
		}
		switch head, _, _ := strings.Cut(key, "."); {
		case !hasQuery:
		case to.URL == "":
			to.URL = head + ":?" + param
		case strings.Contains(to.URL, "?"):
			to.URL += "&" + param
		default:
			to.URL += "?" + param
		}
	}
	for _, which := range []func(*Source) *map[string]string{
		func(s *Source) *map[string]string { return &s.Settings },
		func(s *Source) *map[string]string { return &s.Defaults },
	} {
		given := *which(&src)
		for _, key := range slices.Sorted(maps.Keys(given)) {
			where := ""
			if src.Where != nil && src.Where(key) != "" {
				where = " (" + src.Where(key) + ")"
			}
			to := which(part(owner(key, where)))
			if *to == nil {
				*to = make(map[string]string)
			}
			(*to)[key] = given[key]
		}
	}
	return all, settings.Join(wrong...)
}

// mirror is the wrapper that Source.Mirrors belongs to.
const mirror = "mirror"

// stacking sorts names of wrappers, the outermost first.
func stacking(names []string) []string {
	order := settings.Order()
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
	})
	return names
}

func notImported(name string) string {
	return fmt.Sprintf(`is of the wrapper %s, which is not imported: want import _ "github.com/ltxstore/ltxstore/wrap/%s"`, name, name)
}

// mistyped returns an error for an unknown key that looks like that of a
// wrapper.
func mistyped(key, where string) error {
	head, rest, dotted := strings.Cut(key, ".")
	nearest := settings.Nearest(head, settings.WrapperNames())
	if nearest == "" {
		return nil
	}
	if dotted {
		nearest += "." + rest
	}
	return fmt.Errorf("unknown setting %q%s: did you mean %s?", key, where, nearest)
}

// open returns a client of the store, without wrappers.
func (p parts) open() (client ReplicaClient, auto bool, err error) {
	client, auto, err = p.driver.Open(p.store)
	return client, auto, p.failed(err)
}

// failed returns an error of the backend's driver with settings in place of
// Go fields.
func (p parts) failed(err error) error {
	return settings.Each(err, func(err error) error { return explain(openFailed(p.scheme, err), p.driver, p.store) })
}

// check returns everything that is wrong with the settings. It leaves nothing
// behind.
func (p parts) check() error {
	retries, err := p.driver.Check(p.store)
	wrong := []error{p.wrong, p.failed(err)}
	for _, layer := range slices.Backward(p.layers) {
		for n, src := range layer.src.Mirrors {
			wrong = append(wrong, settings.Each(src.Check(), func(err error) error {
				return openFailed(p.scheme, fmt.Errorf("%s.%d: %w", layer.name, n, err))
			}))
		}
		wrong = append(wrong, settings.Each(layer.driver.Check(layer.src, retries), func(err error) error {
			return explain(openFailed(p.scheme, err), layer.driver, layer.src)
		}))
	}
	return settings.Join(wrong...)
}

// wrap puts a client of the store into the wrappers. If it fails, it closes
// the client.
func (p parts) wrap(ctx context.Context, client ReplicaClient) (ReplicaClient, error) {
	for _, layer := range slices.Backward(p.layers) {
		var mirrors []ReplicaClient
		var err error
		for n, src := range layer.src.Mirrors {
			other, failed := OpenSource(ctx, src)
			if failed != nil {
				err = fmt.Errorf("%s.%d: %w", layer.name, n, failed)
				break
			}
			mirrors = append(mirrors, other)
		}
		wrapped := client
		if err == nil {
			wrapped, err = layer.driver.Wrap(client, layer.src, mirrors)
		}
		if err != nil {
			err = explain(openFailed(p.scheme, err), layer.driver, layer.src)
			for _, opened := range append(mirrors, client) {
				err = errors.Join(err, Close(opened))
			}
			return nil, err
		}
		client = wrapped
	}
	return client, nil
}
