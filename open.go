package ltxstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// Driver opens the replicas of one kind of store. A backend registers its own
// when it is imported.
type Driver interface {
	// Open returns a client of what src describes, from which the settings of
	// wrappers were taken. It sends nothing and looks at no store. auto reports that the layout is to be found out: the client
	// then has src.Layout. src.Getenv is set. No error shows a secret.
	Open(src Source) (client ReplicaClient, auto bool, err error)

	// Check returns the error that Open would, and whether the client would
	// retry failed requests itself. It makes no client and keeps nothing.
	Check(src Source) (retries bool, err error)

	// Lookup returns the name of the setting that key is a name of, and
	// whether its value is a secret.
	Lookup(key string) (name string, secret, ok bool)
}

// Source describes a replica: by a URL, by settings, or by a URL and what a
// file says beside it. docs/configuration.md has the settings of each backend and
// of each wrapper.
//
// A setting that is not known, cannot be read, or is given twice with
// different values is an error.
//
// Printing a Source shows no secret, with any verb, as text, in JSON and in a
// log, alone or in what holds it. fmt calls no method of an unexported field,
// though: a struct that has a Source in one, and is printed, needs a Format
// method of its own.
type Source struct {
	// Type is the scheme of the backend, such as "s3". Empty is the URL's.
	// One of Type and URL is needed.
	Type, URL string

	// Settings are given beside the URL's query, by name. Defaults count where
	// neither of the two says anything.
	Settings, Defaults map[string]string

	// Mirrors are the further replicas of a mirror around this one: see package
	// wrap/mirror.
	Mirrors []Source

	// Where tells where in its file a setting or a default is, such as "line
	// 3", for errors. It may be nil.
	Where func(key string) string

	// Layout is the layout's name where no setting "layout" gives one. Empty
	// is LayoutDefault; "auto" finds it out.
	Layout string

	// Getenv looks up the environment. nil is os.LookupEnv.
	Getenv func(key string) (string, bool)
}

// Register makes a backend known to Open by its URLs' scheme, in lower case, which is
// its Type, and by further schemes. It is called by a backend's init function, and
// panics if a scheme is taken or driver is nil. Package backend/settings makes a
// Driver of a Config.
func Register(driver Driver, scheme string, aliases ...string) {
	settings.Drivers().Add(driver, scheme, aliases...)
}

// driverOf returns the driver of a scheme, or nil.
func driverOf(scheme string) Driver {
	driver, _ := settings.Drivers().Get(scheme).(Driver)
	return driver
}

// Open returns a client of the replica that a URL names. The backend must have
// been imported, if only for that:
//
//	import _ "github.com/ltxstore/ltxstore/s3"
//
// A URL is SCHEME://PLACE?NAME=VALUE&…, with the settings of
// docs/configuration.md in its query:
//
//	file:///var/replicas/db
//	s3://bucket/path?endpoint=https://minio.example:9000&region=eu
//	gs://bucket/path?compress=true&crypt.recipients=age1…
//	mem://
//
// So are the wrappers of package wrap that the query has settings of, which must
// have been imported too.
//
// What cannot be right is fs.ErrInvalid, in an error that names the setting and
// never shows a secret. Open sends nothing and looks at no store, so that a
// store that is away does not matter yet (Init is there to fail early), but for
// "layout=auto", which costs what FindLayout does: an empty replica then has
// LayoutDefault.
func Open(ctx context.Context, url string) (ReplicaClient, error) {
	return OpenSource(ctx, Source{URL: url})
}

// OpenSource is Open for what a configuration file says. The same content in a
// URL and in settings gives the same client.
func OpenSource(ctx context.Context, src Source) (ReplicaClient, error) {
	p, err := src.peel()
	if err != nil {
		return nil, err
	}
	// All that is wrong in src is told before anything is made.
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

// findLayout returns a client of the store alone with the layout of its files,
// or else client, which a failure closes. Wrappers change no names.
func (p peeled) findLayout(ctx context.Context, client ReplicaClient) (ReplicaClient, error) {
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

// Check returns the error that OpenSource would, of what is wrong in src
// itself. It makes no client, sends nothing, looks at no store, and leaves
// nothing behind.
func (src Source) Check() error {
	p, err := src.peel()
	if err != nil {
		return err
	}
	return p.check()
}

// Driver returns the Type of src's backend and its driver. That there is none is
// fs.ErrInvalid, and so is a Type that is not the URL's.
func (src Source) Driver() (scheme string, driver Driver, err error) {
	scheme = strings.ToLower(src.Type)
	if src.URL != "" || scheme == "" {
		ofURL, err := settings.Scheme(src.URL)
		switch {
		case err != nil:
			return "", nil, openFailed(scheme, err)
		case scheme != "" && scheme != ofURL && settings.Drivers().First(scheme) != settings.Drivers().First(ofURL):
			return "", nil, openFailed(ofURL, fmt.Errorf("type is %q and the URL's scheme %q: want one of them", src.Type, ofURL))
		}
		scheme = ofURL
	}
	if driver = driverOf(scheme); driver == nil {
		return "", nil, openFailed("", noDriver(scheme))
	}
	return settings.Drivers().First(scheme), driver, nil
}

func noDriver(scheme string) error {
	// What the library has, for who forgot the import.
	ours := map[string]string{"abs": "abs", "oss": "oss", "nats": "nats", "file": "file", "s3": "s3", "gs": "gcs", "gcs": "gcs", "sftp": "sftp", "webdav": "webdav", "webdavs": "webdav", "mem": "mock", "mock": "mock"}
	if name, ok := ours[scheme]; ok {
		return fmt.Errorf(`the backend of %s:// is not imported: want import _ "github.com/ltxstore/ltxstore/%s"`, scheme, name)
	}
	known := strings.Join(settings.Drivers().All(), ", ")
	if known == "" {
		known = "none: want a backend imported"
	}
	return fmt.Errorf("no backend is registered for the scheme %q: known are %s", scheme, known)
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
