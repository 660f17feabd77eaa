package ltxstore

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// driver opens the replicas in one kind of store. Package backend/settings
// makes one for each backend.
type driver interface {
	// Open is OpenSource, and Check is Source.Check, for a Source of the backend.
	Open(ctx context.Context, src Source) (ReplicaClient, error)
	Check(src Source) error

	// Plain reports whether a setting of the backend, or of a wrapper, is known
	// and its value is not secret.
	Plain(key, value string) bool
}

// Source describes a replica by a URL, by settings, or by both.
// docs/configuration.md lists the settings of each backend and wrapper.
//
// A setting that is unknown, cannot be parsed or has two different values is
// an error.
//
// Printing a Source does not show its secrets, whether with fmt, as JSON or in a
// log, alone or as part of another value. But package fmt does not call the
// methods of unexported fields: a struct with a Source in such a field needs a
// Format method of its own.
type Source struct {
	// Type is the scheme of the backend, such as "s3". If it is empty, it is
	// that of the URL. At least one of Type and URL is required.
	Type, URL string

	// Settings are settings by name, in addition to those in the query of the
	// URL. Defaults apply to settings that are in neither.
	Settings, Defaults map[string]string

	// Mirrors are the other replicas of a mirror: see package wrap/mirror.
	Mirrors []Source

	// Where returns the place of a setting or a default in its file, for errors:
	// 0 if it is not known. It may be nil.
	Where func(key string) (line, column int)

	// Layout is the name of the layout if there is no setting "layout". The
	// empty string is LayoutDefault; with "auto", Open finds out the layout
	// of the files.
	Layout string

	// Getenv looks up an environment variable. nil means os.LookupEnv.
	Getenv func(key string) (string, bool)
}

// Open returns a client of the replica at a URL. The program must import the
// backend, if only for its side effects:
//
//	import _ "github.com/ltxstore/ltxstore/s3"
//
// A URL is SCHEME://PLACE?NAME=VALUE&…. Its query consists of the settings listed
// in docs/configuration.md:
//
//	file:///var/replicas/db
//	s3://bucket/path?endpoint=https://minio.example:9000&region=eu
//	gs://bucket/path?compress=true&crypt.recipients=age1…
//	mem://
//
// Settings of a wrapper, such as "compress", put the client into that
// wrapper. The program must import the wrapper too.
//
// If the URL is invalid, the error is fs.ErrInvalid, names the setting and shows
// no secret. Open sends no request, so that it succeeds even if the store cannot
// be reached; Init then fails. The exception is "layout=auto", which costs what
// FindLayout does; an empty replica then has LayoutDefault.
func Open(ctx context.Context, url string) (ReplicaClient, error) {
	return OpenSource(ctx, Source{URL: url})
}

// OpenSource is Open for a Source, such as a section of a configuration file.
// A setting has the same meaning there and in a URL.
func OpenSource(ctx context.Context, src Source) (ReplicaClient, error) {
	_, driver, err := src.driver()
	if err != nil {
		return nil, err
	}
	return driver.Open(ctx, src)
}

// Check returns the error that OpenSource would return because of src itself.
// It makes no client, sends no request and leaves nothing behind.
func (src Source) Check() error {
	_, driver, err := src.driver()
	if err != nil {
		return err
	}
	return driver.Check(src)
}

// Scheme returns the Type of the backend of src. If no backend is registered
// for it, or Type contradicts the URL, the error is fs.ErrInvalid.
func (src Source) Scheme() (string, error) {
	scheme, _, err := src.driver()
	return scheme, err
}

// driver returns the Type of the backend of src, and its driver.
func (src Source) driver() (scheme string, d driver, err error) {
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
	if d = driverOf(scheme); d == nil {
		return "", nil, openFailed("ltxstore", noDriver(scheme, settings.QuoteScheme(cmp.Or(src.URL, src.Type))))
	}
	return settings.Drivers().First(scheme), d, nil
}

// driverOf returns the driver for a scheme, or nil.
func driverOf(scheme string) driver {
	d, _ := settings.Drivers().Get(scheme).(driver)
	return d
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
	return &Error{Op: "init", Backend: cmp.Or(scheme, "ltxstore"), Kind: fs.ErrInvalid, Err: err}
}
