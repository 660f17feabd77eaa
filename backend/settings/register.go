package settings

import (
	"fmt"
	"reflect"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Backend is what a backend registers: how a Config C becomes a client R.
type Backend[C any, R ltxstore.ReplicaClient] struct {
	// Schemes are those of the backend's URLs, in lower case. The first is its
	// Type.
	Schemes []string

	// Place returns the settings that a URL has before its query. nil refuses
	// a URL that has anything there.
	Place func(URL) (map[string]string, error)

	// Check completes a Config that src was made into, or returns what is
	// wrong with it. It sends nothing and keeps nothing. It may be nil.
	Check func(cfg *C, src ltxstore.Source) error

	// New returns a client of a checked Config. It sends nothing.
	New func(cfg C) R
}

// Register makes a backend known to ltxstore.Open. It is called by the
// backend's init function, and panics if a scheme is taken or a struct tag
// cannot be read.
func Register[C any, R ltxstore.ReplicaClient](b Backend[C, R]) {
	ltxstore.Register(newBackend(b), b.Schemes[0], b.Schemes[1:]...)
}

// Decode returns the Config of a backend that src describes, as the struct tags
// say: without what Backend has. findLayout reports that src leaves the layout
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

// Check implements ltxstore.Driver. A Config that has a ltxstore.Retry is that
// of a client that retries.
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

// Describe returns the settings that src gives, or that its place, the environment or
// a default of the backend does, by name. Only texts are there, and no secrets.
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

// Wrapper is what a wrapper registers: how it is put around a client.
type Wrapper[C any] struct {
	// Names are what the wrapper's settings begin with; the first is used in
	// errors.
	Names []string

	// Locked wrappers cannot be turned off where settings are inherited.
	Locked bool

	// Check returns what is wrong with cfg, for a client that retries failed
	// requests itself or not. It keeps nothing. It may be nil.
	Check func(cfg C, retries bool) error

	// Wrap returns next inside the wrapper. It sends nothing.
	Wrap func(next ltxstore.ReplicaClient, cfg C) (ltxstore.ReplicaClient, error)

	// Mirrors, if not nil, makes further replicas a part of cfg. For Check
	// they are nil, as many as there will be.
	Mirrors func(cfg *C, clients []ltxstore.ReplicaClient)
}

// RegisterWrapper makes a wrapper known to ltxstore.Open. It is called by the
// wrapper's init function, and panics if a name is taken or has a dot, or if a struct
// tag cannot be read.
//
// The wrappers of this library are stacked in the order that package wrap documents,
// whatever the order of the settings. Others are outside of them, sorted by name.
func RegisterWrapper[C any](w Wrapper[C]) {
	t := newTable(reflect.TypeFor[C]())
	t.wrapper, t.locked = w.Names, w.Locked
	settings.Wrappers().Add(&wrapperDriver[C]{t, w}, w.Names[0], w.Names[1:]...)
}

// wrapperDriver is what ltxstore wraps clients with: see its Wrap and Check.
type wrapperDriver[C any] struct {
	*Table
	is Wrapper[C]
}

func (d *wrapperDriver[C]) config(src ltxstore.Source, mirrors []ltxstore.ReplicaClient) (cfg C, on bool, err error) {
	on, err = d.resolveWrapper(src, reflect.ValueOf(&cfg).Elem())
	if d.is.Mirrors != nil {
		d.is.Mirrors(&cfg, mirrors)
	}
	return cfg, on, err
}

// Wrap returns next inside the wrapper, or next itself if src turns the wrapper off.
func (d *wrapperDriver[C]) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, mirrors []ltxstore.ReplicaClient) (ltxstore.ReplicaClient, error) {
	cfg, on, err := d.config(src, mirrors)
	if err != nil || !on {
		return next, err
	}
	return d.is.Wrap(next, cfg)
}

// Check returns the error that Wrap would, of what is wrong in src itself.
func (d *wrapperDriver[C]) Check(src ltxstore.Source, retries bool) error {
	cfg, on, err := d.config(src, make([]ltxstore.ReplicaClient, len(src.Mirrors)))
	if err != nil || !on || d.is.Check == nil {
		return err
	}
	return d.is.Check(cfg, retries)
}
