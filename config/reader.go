package config

import (
	"os"
	"slices"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// reader reads a configuration, and collects what is wrong with it.
type reader struct {
	Options
	failed   []error
	warnings []Warning
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

// warn adds a warning about the node n, unless it is already there.
func (r *reader) warn(n node, format string, args ...any) {
	if w := newWarning(n, format, args...); !slices.Contains(r.warnings, w) {
		r.warnings = append(r.warnings, w)
	}
}

// err returns everything that is wrong, or nil.
func (r *reader) err() error { return settings.Join(r.failed...) }

// only returns the replicas that were read, or what is wrong with them.
func (r *reader) only(found []Replica) ([]Replica, error) {
	if err := r.err(); err != nil {
		return nil, err
	}
	return found, nil
}
