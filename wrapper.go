package ltxstore

import (
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
	head, _, _ := strings.Cut(key, ".")
	name := settings.Wrappers().First(head)
	for _, ours := range settings.Order() {
		if head == ours.Name || slices.Contains(ours.Aliases, head) {
			name = ours.Name
		}
	}
	return name
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
	owner := func(key string) (string, error) {
		name := wrapperOf(p.driver, key)
		if name == "" {
			_, _, ok := p.driver.Lookup(key)
			return "", mistyped(key, ok)
		}
		if driverOfWrapper(name) == nil {
			return "", errors.New(notImported(name))
		}
		return name, nil
	}
	of := make(map[string]Source)
	p.store, err = src.splitBy(owner, of)
	p.wrong = settings.Each(err, func(err error) error { return openFailed(p.scheme, err) })
	for _, name := range stacking(slices.Collect(maps.Keys(of))) {
		p.layers = append(p.layers, layer{name, driverOfWrapper(name), of[name]})
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

// splitBy returns the part of src that is about the store, and adds the part
// about each wrapper to of, by the name of the wrapper. owner returns that
// name for a setting, or the empty string for a setting of the store. In its
// part, the settings of a wrapper keep their full names, and the URL consists
// of a query: "compress:?compress.level=best".
func (src Source) splitBy(owner func(key string) (string, error), of map[string]Source) (store Source, err error) {
	wrapper := func(name string) Source {
		if s, ok := of[name]; ok {
			return s
		}
		return Source{Where: src.Where, Getenv: src.Getenv}
	}
	store = src
	store.Mirrors = nil
	if len(src.Mirrors) > 0 {
		if driverOfWrapper(mirror) == nil {
			return store, errors.New("Mirrors " + notImported(mirror))
		}
		s := wrapper(mirror)
		s.Mirrors = src.Mirrors
		of[mirror] = s
	}
	place, query, _ := strings.Cut(src.URL, "?")
	var kept []string
	var wrong []error
	for part := range strings.SplitSeq(query, "&") {
		key, _, hasValue := strings.Cut(part, "=")
		key, failed := url.QueryUnescape(key)
		name := ""
		if failed == nil && hasValue && key != "" { // what cannot be read is the store's to refuse
			if name, err = owner(key); err != nil {
				wrong = append(wrong, misnamed(err, key, " in the URL"))
				continue
			}
		}
		if name == "" {
			kept = append(kept, part)
			continue
		}
		s := wrapper(name)
		if s.URL == "" {
			s.URL = name + ":?" + part
		} else {
			s.URL += "&" + part
		}
		of[name] = s
	}
	if store.URL = place; kept != nil && strings.Contains(src.URL, "?") {
		store.URL += "?" + strings.Join(kept, "&")
	}
	for _, which := range []func(*Source) *map[string]string{
		func(s *Source) *map[string]string { return &s.Settings },
		func(s *Source) *map[string]string { return &s.Defaults },
	} {
		given := *which(&src)
		*which(&store) = maps.Clone(given)
		for _, key := range slices.Sorted(maps.Keys(given)) {
			name, err := owner(key)
			if err != nil {
				where := ""
				if src.Where != nil && src.Where(key) != "" {
					where = " (" + src.Where(key) + ")"
				}
				wrong = append(wrong, misnamed(err, key, where))
			}
			if name == "" && err == nil {
				continue
			}
			delete(*which(&store), key)
			if err != nil {
				continue
			}
			s := wrapper(name)
			if *which(&s) == nil {
				*which(&s) = make(map[string]string)
			}
			(*which(&s))[key] = given[key]
			of[name] = s
		}
	}
	return store, settings.Join(wrong...)
}

// mirror is the wrapper that Source.Mirrors belongs to.
const mirror = "mirror"

// stacking sorts names of wrappers, the outermost first.
func stacking(names []string) []string {
	order := settings.Order()
	slices.SortFunc(names, func(a, b string) int {
		at := func(name string) int {
			return slices.IndexFunc(order, func(ours settings.Stacked) bool { return ours.Name == name })
		}
		if at(a) != at(b) {
			return at(a) - at(b)
		}
		return strings.Compare(a, b)
	})
	return names
}

func notImported(name string) string {
	return fmt.Sprintf(`is of the wrapper %s, which is not imported: want import _ "github.com/ltxstore/ltxstore/wrap/%s"`, name, name)
}

// unknownSetting suggests what a key may have been meant to be.
type unknownSetting string

func (u unknownSetting) Error() string { return string(u) }

// misnamed adds the key and its place to an error of owner.
func misnamed(err error, key, where string) error {
	if unknown, ok := err.(unknownSetting); ok {
		return fmt.Errorf("unknown setting %q%s: %w", key, where, unknown)
	}
	return fmt.Errorf("%s%s %w", key, where, err)
}

// mistyped returns an error for an unknown key that looks like that of a
// wrapper.
func mistyped(key string, known bool) error {
	head, rest, dotted := strings.Cut(key, ".")
	nearest := settings.Nearest(head, wrapperNames())
	if known || nearest == "" {
		return nil
	}
	if dotted {
		nearest += "." + rest
	}
	return unknownSetting("did you mean " + nearest + "?")
}

// wrapperNames returns the names of all wrappers that are registered or part
// of this library.
func wrapperNames() []string {
	names := settings.Wrappers().Names()
	for _, ours := range settings.Order() {
		names = append(names, ours.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
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
