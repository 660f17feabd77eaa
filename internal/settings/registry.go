package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Table describes the settings of a backend or a wrapper. Package backend/settings makes it from a
// Config.
type Table interface {
	// Names returns the names of the settings in the order of the fields.
	Names() []string

	// Lookup returns the full name of the setting that key names, and whether
	// its value is a secret. ok is false if there is no such setting.
	Lookup(key string) (name string, secret, ok bool)

	// Markdown returns the table for docs/configuration.md.
	Markdown() string
}

// registered is the only state that packages of this library share. Only init
// functions modify it.
var registered = struct{ drivers, wrappers Registry }{Registry{what: "scheme"}, Registry{what: "wrapper"}}

// Drivers returns the registry of backends, by the schemes of their URLs.
func Drivers() *Registry { return &registered.drivers }

// Wrappers returns the registry of wrappers, by the prefixes of their
// settings.
func Wrappers() *Registry { return &registered.wrappers }

// Registry holds the tables of drivers by name. It is safe for concurrent use.
type Registry struct {
	what  string
	mu    sync.RWMutex
	names map[string]entry
}

// entry is a driver, with its first name.
type entry struct {
	first string
	table Table
}

// Add registers a driver. It panics if value is nil, or a name is already
// registered or contains a dot.
func (r *Registry) Add(value Table, name string, aliases ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if value == nil {
		panic("ltxstore: " + r.what + " " + name + " without a driver")
	}
	if r.names == nil {
		r.names = make(map[string]entry)
	}
	for _, known := range append([]string{name}, aliases...) {
		if _, taken := r.names[known]; taken || strings.Contains(known, ".") {
			panic(fmt.Sprintf("ltxstore: %s %s is registered twice, or has a dot in its name", r.what, known))
		}
		r.names[known] = entry{name, value}
	}
}

// Get returns the driver with the given name or alias, or nil.
func (r *Registry) Get(name string) Table {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.names[name].table
}

// First returns the first name of the driver with the given name or alias, or the
// empty string.
func (r *Registry) First(name string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.names[name].first
}

// All returns the names and the aliases, sorted.
func (r *Registry) All() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.names))
}

// Names returns the names, sorted, without aliases.
func (r *Registry) Names() []string {
	return slices.DeleteFunc(r.All(), func(name string) bool { return r.First(name) != name })
}
