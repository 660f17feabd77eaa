package ltxstore

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// WrapperDriver puts clients into a wrapper as settings say. A wrapper registers
// its own when it is imported.
type WrapperDriver interface {
	// Wrap returns next inside the wrapper, or next itself if src turns the
	// wrapper off. src has the settings of the wrapper alone, by their whole
	// names ("compress.level"), and a URL only for the query. open opens a
	// further replica, with what Wrap was called for: for the wrappers that have
	// several. Wrap sends nothing. No error shows a secret.
	Wrap(next ReplicaClient, src Source, open func(Source) (ReplicaClient, error)) (ReplicaClient, error)

	// Check returns the error that Wrap would, of what is wrong in src itself or
	// with next, which is the store's client. check is Check for a further
	// replica. It makes no client, starts nothing, and registers nothing.
	Check(next ReplicaClient, src Source, check func(Source) error) error

	// Lookup returns the whole name of the setting that key is a name of, and
	// whether its value is a secret.
	Lookup(key string) (name string, secret, ok bool)
}

// RegisterWrapper makes a wrapper known to Open by the name that its settings
// begin with, and by further names for it. It is called by a wrapper's init
// function, and panics if a name is taken or has a dot, or driver is nil.
//
// The wrappers of this library are stacked in the order that package wrap
// documents, whatever the order of the settings. Others are outside of them,
// sorted by name.
func RegisterWrapper(driver WrapperDriver, name string, aliases ...string) {
	registered.mu.Lock()
	defer registered.mu.Unlock()
	if driver == nil {
		panic("ltxstore: RegisterWrapper of " + name + " without a driver")
	}
	for _, known := range append([]string{name}, aliases...) {
		if _, taken := registered.wrapperNames[known]; taken || strings.Contains(known, ".") {
			panic("ltxstore: wrapper " + known + " is registered twice, or has a dot in its name")
		}
		if registered.wrappers == nil {
			registered.wrappers = make(map[string]WrapperDriver)
			registered.wrapperNames = make(map[string]string)
		}
		registered.wrapperNames[known] = name
	}
	registered.wrappers[name] = driver
}

// Wrappers returns the names of the wrappers that Open knows, sorted.
func Wrappers() []string {
	registered.mu.RLock()
	defer registered.mu.RUnlock()
	return slices.Sorted(maps.Keys(registered.wrappers))
}

// LookupWrapper returns the driver of the wrapper with a name or an alias, or
// nil.
func LookupWrapper(name string) WrapperDriver {
	registered.mu.RLock()
	defer registered.mu.RUnlock()
	return registered.wrappers[registered.wrapperNames[name]]
}

// wrapperOf returns the name of the wrapper whose setting key is, registered or
// not, or the empty string. What the backend knows is the backend's.
func wrapperOf(driver Driver, key string) string {
	if _, _, ok := driver.Lookup(key); ok {
		return ""
	}
	head, _, _ := strings.Cut(key, ".")
	registered.mu.RLock()
	name := registered.wrapperNames[head]
	registered.mu.RUnlock()
	for _, ours := range settings.Order() {
		if head == ours.Name || slices.Contains(ours.Aliases, head) {
			name = ours.Name
		}
	}
	return name
}

// peeled is a Source, split.
type peeled struct {
	scheme string
	driver Driver
	store  Source
	layers []layer // the outermost first

	unknown bool // a setting is neither the backend's nor a wrapper's
}

type layer struct {
	driver WrapperDriver
	src    Source
}

// peel splits src into what it says of the store and of the wrappers. What is
// said of a wrapper that is not there is an error: the store would be used
// without it.
func (src Source) peel() (p peeled, err error) {
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
			p.unknown = p.unknown || !ok
			return "", mistyped(key, ok)
		}
		if LookupWrapper(name) == nil {
			return "", fmt.Errorf(`is of the wrapper %s, which is not imported: want import _ "github.com/ltxstore/ltxstore/wrap/%s"`, name, name)
		}
		return name, nil
	}
	store, of, err := settings.Peel(settings.Source(src), owner)
	if err != nil {
		return p, openFailed(p.scheme, err)
	}
	p.store = Source(store)
	for _, name := range stacking(slices.Collect(maps.Keys(of))) {
		p.layers = append(p.layers, layer{LookupWrapper(name), Source(of[name])})
	}
	return p, nil
}

// stacking sorts the names of wrappers, the outermost first.
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

// mistyped returns an error for a key that nobody knows and that looks like a
// wrapper's.
func mistyped(key string, known bool) error {
	head, rest, dotted := strings.Cut(key, ".")
	nearest := settings.Nearest(head, wrapperNames())
	if known || nearest == "" {
		return nil
	}
	if dotted {
		nearest += "." + rest
	}
	return fmt.Errorf("is no setting: did you mean %s? wrappers are %s", nearest, strings.Join(wrapperNames(), ", "))
}

// wrapperNames returns the names of the wrappers that are registered, and of
// those that could be.
func wrapperNames() []string {
	names := Wrappers()
	for _, ours := range settings.Order() {
		names = append(names, ours.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// open returns a client of the store alone.
func (p peeled) open() (client ReplicaClient, auto bool, err error) {
	if client, auto, err = p.driver.Open(p.store); err != nil {
		if already := new(*Error); p.unknown && !errors.As(err, already) {
			err = fmt.Errorf("%w; wrappers are %s", err, strings.Join(wrapperNames(), ", "))
		}
		return nil, false, explain(openFailed(p.scheme, err), p.driver, p.store)
	}
	return client, auto, nil
}

// check returns what wrap would refuse, and leaves nothing behind.
func (p peeled) check(client ReplicaClient) error {
	for _, layer := range slices.Backward(p.layers) {
		if err := layer.driver.Check(client, layer.src, Source.Check); err != nil {
			return explain(openFailed(p.scheme, err), layer.driver, layer.src)
		}
	}
	return nil
}

// wrap puts a client of the store into the wrappers. A failure closes it.
func (p peeled) wrap(client ReplicaClient, open func(Source) (ReplicaClient, error)) (ReplicaClient, error) {
	for _, layer := range slices.Backward(p.layers) {
		wrapped, err := layer.driver.Wrap(client, layer.src, open)
		if err != nil {
			err = explain(openFailed(p.scheme, err), layer.driver, layer.src)
			return nil, errors.Join(err, Close(client))
		}
		client = wrapped
	}
	return client, nil
}
