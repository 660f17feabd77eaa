package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// registered is the one state that packages of this library share, written by init
// functions alone.
var registered = struct{ drivers, wrappers Registry }{Registry{what: "scheme"}, Registry{what: "wrapper"}}

// Drivers are the backends that were imported, by their URLs' schemes.
func Drivers() *Registry { return &registered.drivers }

// Wrappers are the wrappers that were imported, by what their settings begin with.
func Wrappers() *Registry { return &registered.wrappers }

// Registry is drivers by their names. It is safe for concurrent use.
type Registry struct {
	what   string
	mu     sync.RWMutex
	values map[string]any    // by the first name
	names  map[string]string // the first name of each
}

// Add registers a driver. It panics if a name is taken or has a dot, or value is nil.
func (r *Registry) Add(value any, name string, aliases ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if value == nil {
		panic("ltxstore: " + r.what + " " + name + " without a driver")
	}
	if r.values == nil {
		r.values, r.names = make(map[string]any), make(map[string]string)
	}
	for _, known := range append([]string{name}, aliases...) {
		if _, taken := r.names[known]; taken || strings.Contains(known, ".") {
			panic(fmt.Sprintf("ltxstore: %s %s is registered twice, or has a dot in its name", r.what, known))
		}
		r.names[known] = name
	}
	r.values[name] = value
}

// Get returns the driver of a name or an alias, or nil.
func (r *Registry) Get(name string) any {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.values[r.names[name]]
}

// First returns the first name of the driver with a name or an alias, or the empty
// string.
func (r *Registry) First(name string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.names[name]
}

// Names returns the first names, sorted.
func (r *Registry) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.values))
}

// All returns the first names and the aliases, sorted.
func (r *Registry) All() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.names))
}
