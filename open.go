package ltxstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// Driver opens replicas in one kind of store. A backend registers its driver
// when it is imported.
type Driver interface {
	// Open returns a client of the replica that src describes, without the
	// settings of wrappers. It sends no request. auto reports whether src
	// asks for the layout to be found out; the client then has src.Layout.
	// src.Getenv is set. No error shows a secret.
	Open(src Source) (client ReplicaClient, auto bool, err error)

	// Check returns the error that Open would return, and whether the client
	// would itself retry failed requests. It makes no client and keeps
	// nothing.
	Check(src Source) (retries bool, err error)

	// Lookup returns the full name of the setting that key names, and whether
	// its value is a secret. ok is false if the driver has no such setting.
	Lookup(key string) (name string, secret, ok bool)
}

// Source describes a replica by a URL, by settings, or by both.
// docs/configuration.md lists the settings of each backend and wrapper.
//
// A setting that is unknown, cannot be parsed or has two different values is
// an error.
//
// Printing a Source shows no secret, whether with fmt, as JSON or in a log,
// alone or as part of another value. fmt does not call the methods of
// unexported fields, though: a struct with a Source in an unexported field
// needs a Format method of its own.
type Source struct {
	// Type is the scheme of the backend, such as "s3". If it is empty, it is
	// that of the URL. At least one of Type and URL is required.
	Type, URL string

	// Settings are settings by name, in addition to those in the query of the
	// URL. Defaults apply to settings that are in neither.
	Settings, Defaults map[string]string

	// Mirrors are the other replicas of a mirror: see package wrap/mirror.
	Mirrors []Source

	// Where returns the place of a setting or a default in its file, such as
	// "line 3", for errors. It may be nil.
	Where func(key string) string

	// Layout is the name of the layout if there is no setting "layout". The
	// empty string is LayoutDefault; with "auto", Open finds out the layout
	// of the files.
	Layout string

	// Getenv looks up an environment variable. nil means os.LookupEnv.
	Getenv func(key string) (string, bool)
}

// Register registers the driver of a backend for a URL scheme, in lower case,
// which is also the backend's Type, and for further schemes. It is meant to
// be called from the init function of the backend. It panics if driver is nil
// or a scheme is already registered. Package backend/settings makes a Driver
// from the struct tags of a Config.
func Register(driver Driver, scheme string, aliases ...string) {
	settings.Drivers().Add(driver, scheme, aliases...)
}

// driverOf returns the driver for a scheme, or nil.
func driverOf(scheme string) Driver {
	driver, _ := settings.Drivers().Get(scheme).(Driver)
	return driver
}

// Open returns a client of the replica that a URL names. The program must
// import the backend, if only for its side effects:
//
//	import _ "github.com/ltxstore/ltxstore/s3"
//
// A URL is SCHEME://PLACE?NAME=VALUE&…, with the settings that
// docs/configuration.md lists in its query:
//
//	file:///var/replicas/db
//	s3://bucket/path?endpoint=https://minio.example:9000&region=eu
//	gs://bucket/path?compress=true&crypt.recipients=age1…
//	mem://
//
// Settings of a wrapper, such as "compress", put the client into that
// wrapper. The program must import the wrapper too.
//
// An invalid URL is fs.ErrInvalid, in an error that names the setting and
// shows no secret. Open sends no request, so it does not notice that a store
// cannot be reached; Init does. The exception is "layout=auto", which costs
// what FindLayout does; an empty replica then has LayoutDefault.
func Open(ctx context.Context, url string) (ReplicaClient, error) {
	return OpenSource(ctx, Source{URL: url})
}

// OpenSource is Open for a Source, such as a section of a configuration file.
// A setting has the same meaning there and in a URL.
func OpenSource(ctx context.Context, src Source) (ReplicaClient, error) {
	p, err := src.split()
	if err != nil {
		return nil, err
	}
	// Report everything that is wrong in src before making anything.
	if err := p.check(); err != nil {
		return nil, err
	}
	store, auto, err := p.open()
	if err != nil {
		return nil, err
	}
	if auto {
		if store, err = p.findLayout(ctx, store); err != nil {
			return nil, err
		}
	}
	return p.wrap(ctx, store)
}

// findLayout returns a client of the store, without wrappers, that has the
// layout of the files there, or client itself if there are none. If it fails,
// it closes client. Wrappers do not change names, so they do not matter here.
func (p parts) findLayout(ctx context.Context, client ReplicaClient) (ReplicaClient, error) {
	open := func(layout Layout) (ReplicaClient, error) {
		p.store.Layout = layout.String()
		client, _, err := p.open()
		return client, err
	}
	layout, found, err := FindLayout(ctx, open)
	if err == nil && !found {
		return client, nil
	}
	if err = errors.Join(err, Close(client)); err != nil {
		return nil, err
	}
	return open(layout)
}

// Check returns the error that OpenSource would return because of src itself.
// It makes no client, sends no request and leaves nothing behind.
func (src Source) Check() error {
	p, err := src.split()
	if err != nil {
		return err
	}
	return p.check()
}

// Driver returns the Type of the backend of src, and its driver. If no driver
// is registered for it, or Type contradicts the URL, the error is
// fs.ErrInvalid.
func (src Source) Driver() (scheme string, driver Driver, err error) {
	scheme = strings.ToLower(src.Type)
	if src.URL != "" || scheme == "" {
		ofURL, err := settings.Scheme(src.URL)
		switch {
		case err != nil:
			return "", nil, openFailed(scheme, err)
		case scheme != "" && scheme != ofURL && settings.Drivers().First(scheme) != settings.Drivers().First(ofURL):
			return "", nil, openFailed(ofURL, fmt.Errorf("type is %s and the URL's scheme %s: want one of them",
				settings.QuoteScheme(src.Type), settings.QuoteScheme(src.URL)))
		}
		scheme = ofURL
	}
	if driver = driverOf(scheme); driver == nil {
		return "", nil, openFailed("", noDriver(scheme, settings.QuoteScheme(cmp.Or(src.URL, src.Type))))
	}
	return settings.Drivers().First(scheme), driver, nil
}

func noDriver(scheme, quoted string) error {
	// The backends of this library, for programs that lack the import.
	ours := map[string]string{"abs": "abs", "oss": "oss", "nats": "nats", "file": "file", "s3": "s3", "gs": "gcs", "gcs": "gcs", "sftp": "sftp", "webdav": "webdav", "webdavs": "webdav", "mem": "mock", "mock": "mock"}
	if name, ok := ours[scheme]; ok {
		return fmt.Errorf(`the backend of %s:// is not imported: want import _ "github.com/ltxstore/ltxstore/%s"`, scheme, name)
	}
	known := strings.Join(settings.Drivers().All(), ", ")
	if known == "" {
		known = "none: want a backend imported"
	}
	return fmt.Errorf("no backend is registered for the scheme %s: known are %s", quoted, known)
}

func openFailed(scheme string, err error) error {
	if already := new(*Error); errors.As(err, already) {
		return err
	}
	if scheme == "" {
		scheme = "ltxstore"
	}
	return &Error{Op: "init", Backend: scheme, Kind: fs.ErrInvalid, Err: err}
}
