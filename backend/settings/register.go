package settings

import (
	"reflect"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Backend is the argument of Register: how to make a client R from a Config C.
type Backend[C any, R ltxstore.ReplicaClient] struct {
	// Schemes are the schemes of the backend's URLs, in lower case. The first is
	// its Type.
	Schemes []string

	// Place returns the settings that the part of a URL before its query
	// stands for. If Place is nil, that part must be empty.
	Place func(URL) (map[string]string, error)

	// Check completes a Config that was decoded from src, or returns an error if it
	// is invalid. It sends no request and keeps nothing. It may be nil.
	Check func(cfg *C, src ltxstore.Source) error

	// New returns a client for a checked Config. It sends no request.
	New func(cfg C) R
}

// Register registers a backend for ltxstore.Open. It is meant to be called
// from the init function of the backend. It panics if a scheme is already
// registered or a struct tag is malformed.
func Register[C any, R ltxstore.ReplicaClient](b Backend[C, R]) {
	settings.Drivers().Add(newDriver(b), b.Schemes[0], b.Schemes[1:]...)
}

// driver is a Backend without its types. A Config is passed as a *C.
type driver struct {
	*Table
	schemes []string
	place   func(URL) (map[string]string, error)
	check   func(cfg any, src ltxstore.Source) error
	open    func(cfg any) ltxstore.ReplicaClient
}

func newDriver[C any, R ltxstore.ReplicaClient](b Backend[C, R]) *driver {
	if b.Place == nil {
		b.Place = noPlace
	}
	return &driver{
		Table: newTable(reflect.TypeFor[C]()), schemes: b.Schemes, place: b.Place,
		check: func(cfg any, src ltxstore.Source) error {
			if b.Check == nil {
				return nil
			}
			return b.Check(cfg.(*C), src)
		},
		open: func(cfg any) ltxstore.ReplicaClient { return b.New(*cfg.(*C)) },
	}
}

// Wrapper is the argument of RegisterWrapper: how to make a client W around another
// one from a Config C.
type Wrapper[C any, W ltxstore.ReplicaClient] struct {
	// Names are the prefixes of the wrapper's settings. Errors use the first.
	Names []string

	// Locked means that a section cannot turn the wrapper off if it inherits
	// settings of the wrapper.
	Locked bool

	// Check returns an error if cfg is invalid. retries tells whether the client
	// inside retries failed requests. Check keeps nothing. It may be nil.
	Check func(cfg C, retries bool) error

	// New returns next inside the wrapper. It sends no request.
	New func(next ltxstore.ReplicaClient, cfg C) W

	// Mirrors, if not nil, adds the clients of other replicas to cfg. For
	// Check, the clients are nil, but there are as many as there will be.
	Mirrors func(cfg *C, clients []ltxstore.ReplicaClient)
}

// RegisterWrapper registers a wrapper for ltxstore.Open. It is meant to be
// called from the init function of the wrapper. It panics if a name is
// already registered or contains a dot, or if a struct tag is malformed.
//
// The wrappers of this library are stacked in the order that package wrap
// documents, whatever the order of the settings. Other wrappers are outside
// of them, sorted by name.
func RegisterWrapper[C any, W ltxstore.ReplicaClient](w Wrapper[C, W]) {
	settings.Wrappers().Add(newWrapper(w), w.Names[0], w.Names[1:]...)
}

// wrapper is a Wrapper without its types. A Config is passed as a *C.
type wrapper struct {
	*Table
	check   func(cfg any, retries bool) error
	mirrors func(cfg any, clients []ltxstore.ReplicaClient)
	wrap    func(next ltxstore.ReplicaClient, cfg any) ltxstore.ReplicaClient
}

func newWrapper[C any, W ltxstore.ReplicaClient](w Wrapper[C, W]) *wrapper {
	t := newTable(reflect.TypeFor[C]())
	t.wrapper, t.locked = w.Names, w.Locked
	return &wrapper{
		Table: t,
		check: func(cfg any, retries bool) error {
			if w.Check == nil {
				return nil
			}
			return w.Check(*cfg.(*C), retries)
		},
		mirrors: func(cfg any, clients []ltxstore.ReplicaClient) {
			if w.Mirrors != nil && len(clients) > 0 {
				w.Mirrors(cfg.(*C), clients)
			}
		},
		wrap: func(next ltxstore.ReplicaClient, cfg any) ltxstore.ReplicaClient { return w.New(next, *cfg.(*C)) },
	}
}
