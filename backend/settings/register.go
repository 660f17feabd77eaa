package settings

import (
	"fmt"
	"reflect"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Backend is what a backend registers: how to make a client R from a Config
// C.
type Backend[C any, R ltxstore.ReplicaClient] struct {
	// Schemes are those of the backend's URLs, in lower case. The first is its
	// Type.
	Schemes []string

	// Place returns the settings that the part of a URL before its query
	// stands for. If Place is nil, that part must be empty.
	Place func(URL) (map[string]string, error)

	// URL is the inverse of Place: it returns the URL, without a query, of the
	// place that the given settings describe, and which of them it contains. If
	// URL is nil, the URL is the first scheme and contains none. [BucketURL]
	// serves stores with buckets.
	URL func(set map[string]string) (url string, contains []string)

	// Check completes a Config that was decoded from src, or returns what is
	// wrong with it. It sends no request and keeps nothing. It may be nil.
	Check func(cfg *C, src ltxstore.Source) error

	// New returns a client for a checked Config. It sends no request.
	New func(cfg C) R
}

// Register registers a backend for ltxstore.Open. It is meant to be called
// from the init function of the backend. It panics if a scheme is already
// registered or a struct tag is malformed.
func Register[C any, R ltxstore.ReplicaClient](b Backend[C, R]) {
	ltxstore.Register(newBackend(b), b.Schemes[0], b.Schemes[1:]...)
}

// Decode decodes src into a Config by its struct tags alone, without the
// functions of a Backend. findLayout reports whether src asks for the layout
// to be found out.
func Decode[C any](src ltxstore.Source) (cfg C, findLayout bool, err error) {
	return newBackend(Backend[C, ltxstore.ReplicaClient]{Place: anyPlace}).config(src)
}

func anyPlace(URL) (map[string]string, error) { return nil, nil }

// backendDriver is a ltxstore.Driver.
type backendDriver[C any, R ltxstore.ReplicaClient] struct {
	*Table
	is Backend[C, R]
}

func newBackend[C any, R ltxstore.ReplicaClient](b Backend[C, R]) *backendDriver[C, R] {
	t := newTable(reflect.TypeFor[C]())
	t.place = b.Place
	return &backendDriver[C, R]{t, b}
}

func (d *backendDriver[C, R]) config(src ltxstore.Source) (cfg C, findLayout bool, err error) {
	v := reflect.ValueOf(&cfg).Elem()
	findLayout, err = d.resolve(src, v)
	err = settings.Join(err, d.validate(d.typeName(), v)) // all that is wrong is told
	if err == nil && d.is.Check != nil {
		err = d.is.Check(&cfg, src)
	}
	return cfg, findLayout, err
}

func (d *backendDriver[C, R]) typeName() string {
	if len(d.is.Schemes) == 0 {
		return "settings" // of Decode
	}
	return d.is.Schemes[0]
}

// Open implements ltxstore.Driver.
func (d *backendDriver[C, R]) Open(src ltxstore.Source) (ltxstore.ReplicaClient, bool, error) {
	cfg, findLayout, err := d.config(src)
	if err != nil {
		return nil, false, err
	}
	return d.is.New(cfg), findLayout, nil
}

// Check implements ltxstore.Driver. A client retries if its Config has a
// ltxstore.Retry.
func (d *backendDriver[C, R]) Check(src ltxstore.Source) (retries bool, err error) {
	cfg, _, err := d.config(src)
	for _, r := range d.rows {
		if len(r.index) < 2 {
			continue
		}
		v := reflect.ValueOf(cfg).FieldByIndex(r.index[:len(r.index)-1])
		if retry, ok := v.Interface().(ltxstore.Retry); ok && retry.WithDefaults().MaxAttempts > 1 {
			retries = true
		}
	}
	return retries, err
}

// Describe returns the values of the settings that are texts and not secrets,
// by name, whether they come from src, the environment or a default of the
// backend.
func (d *backendDriver[C, R]) Describe(src ltxstore.Source) (map[string]string, error) {
	cfg, _, err := d.config(src)
	if err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for _, r := range d.rows {
		switch v := reflect.ValueOf(cfg).FieldByIndex(r.index); {
		case r.secret:
		case v.Kind() == reflect.String && v.Len() > 0:
			found[r.names[0]] = v.String()
		case r.kind == kindLayout:
			found[r.names[0]] = fmt.Sprint(v.Interface())
		}
	}
	return found, nil
}

// URL returns the URL, without a query, of the place that the settings in set
// describe, as Describe returns them, and which of them it contains.
func (d *backendDriver[C, R]) URL(set map[string]string) (url string, contains []string) {
	if d.is.URL == nil {
		return d.is.Schemes[0] + "://", nil
	}
	return d.is.URL(set)
}

// Wrapper is what a wrapper registers: how to make a client W around another
// one from a Config C.
type Wrapper[C any, W ltxstore.ReplicaClient] struct {
	// Names are the prefixes of the wrapper's settings. Errors use the first.
	Names []string

	// Locked means that a section cannot turn the wrapper off if it inherits
	// settings of the wrapper.
	Locked bool

	// Check returns what is wrong with cfg. retries says whether the client
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
	t := newTable(reflect.TypeFor[C]())
	t.wrapper, t.locked = w.Names, w.Locked
	settings.Wrappers().Add(&wrapperDriver[C, W]{t, w}, w.Names[0], w.Names[1:]...)
}

// wrapperDriver is what package ltxstore uses to wrap clients.
type wrapperDriver[C any, W ltxstore.ReplicaClient] struct {
	*Table
	is Wrapper[C, W]
}

func (d *wrapperDriver[C, W]) config(src ltxstore.Source, mirrors []ltxstore.ReplicaClient) (cfg C, on bool, err error) {
	on, err = d.resolveWrapper(src, reflect.ValueOf(&cfg).Elem())
	if d.is.Mirrors != nil {
		d.is.Mirrors(&cfg, mirrors)
	}
	return cfg, on, err
}

// Wrap returns next inside the wrapper, or next itself if src turns the
// wrapper off.
func (d *wrapperDriver[C, W]) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, mirrors []ltxstore.ReplicaClient) (ltxstore.ReplicaClient, error) {
	cfg, on, err := d.config(src, mirrors)
	if err != nil || !on {
		return next, err
	}
	return d.is.New(next, cfg), nil
}

// Check returns the error that Wrap would return because of src itself.
func (d *wrapperDriver[C, W]) Check(src ltxstore.Source, retries bool) error {
	cfg, on, err := d.config(src, make([]ltxstore.ReplicaClient, len(src.Mirrors)))
	if err != nil || !on || d.is.Check == nil {
		return err
	}
	return d.is.Check(cfg, retries)
}
