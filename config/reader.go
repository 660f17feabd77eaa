package config

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// reader reads a configuration, and collects what is wrong with it.
type reader struct {
	Options
	failed []error
}

func (o Options) reader() *reader {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	return &reader{Options: o}
}

// invalid notes that something is wrong at n.
func (r *reader) invalid(n node, format string, args ...any) {
	r.failed = append(r.failed, invalid(n, format, args...))
}

// unknown notes that the key of n is not in names.
func (r *reader) unknown(n node, names []string) {
	r.failed = append(r.failed, invalid(n, "%v", settings.Unknown(n.key, "", names)))
}

// err returns everything that is wrong, or nil.
func (r *reader) err() error { return settings.Join(r.failed...) }

// inList matches the index of an item of a list in a key.
var inList = regexp.MustCompile(`\.\d+`)

// daemon returns an entry as settings for the daemon. ok is false if names, of which they
// must be, have none that begins with the entry's key.
func (r *reader) daemon(e node, names []string) (found []Setting, ok bool) {
	if !slices.ContainsFunc(names, func(name string) bool { return name == e.key || strings.HasPrefix(name, e.key+".") }) {
		return nil, false
	}
	for _, n := range e.flatten() {
		if !slices.Contains(names, inList.ReplaceAllString(n.key, "")) {
			r.unknown(n, names)
			continue
		}
		value, _ := r.text(n)
		found = append(found, Setting{n.key, value, n.line, n.column})
	}
	return found, true
}

// only returns the replicas that were read, or what is wrong with them.
func (r *reader) only(found []Replica) ([]Replica, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	return found, nil
}
