package ltxstore

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Redact returns a replica's URL, or what was meant to be one, with
// "[redacted]" in place of what may not be shown: user and password, and the
// value of every setting that the URL's backend does not know as one that is
// no secret.
func Redact(url string) string {
	scheme, err := settings.Scheme(url)
	if err != nil {
		scheme = ""
	}
	return settings.Redact(url, plain(scheme))
}

// plain returns a function that knows the settings of a backend, and of the
// wrappers, that are no secrets.
func plain(scheme string) func(key, value string) bool {
	driver := driverOf(scheme)
	return func(key, value string) bool {
		if driver == nil {
			return false
		}
		_, secret, ok := driver.Lookup(key)
		if name := wrapperOf(driver, key); name != "" && driverOfWrapper(name) != nil {
			if _, secret, ok = driverOfWrapper(name).Lookup(key); !strings.Contains(key, ".") {
				_, err := settings.ParseBool(value) // else it may be a URL
				ok = ok && err == nil
			}
		}
		return ok && !secret
	}
}

// String returns what src says, with "[redacted]" in place of what Redact would
// not show.
func (src Source) String() string {
	scheme := strings.ToLower(src.Type)
	if ofURL, err := settings.Scheme(src.URL); err == nil {
		scheme = ofURL
	}
	shown := func(given map[string]string) map[string]string {
		redacted := make(map[string]string, len(given))
		for key, value := range given {
			redacted[key] = settings.RedactValue(key, value, plain(scheme))
		}
		return redacted
	}
	mirrors := ""
	if len(src.Mirrors) > 0 {
		mirrors = fmt.Sprintf(" Mirrors:%v", src.Mirrors)
	}
	return fmt.Sprintf("ltxstore.Source{Type:%q URL:%q Settings:%q Defaults:%q Layout:%q%s}",
		src.Type, Redact(src.URL), shown(src.Settings), shown(src.Defaults), src.Layout, mirrors)
}

// GoString is String.
func (src Source) GoString() string { return src.String() }

// Format is String for every verb.
func (src Source) Format(f fmt.State, _ rune) { scrub.Format(f, src.String()) }

// MarshalText is String: so is what JSON says of a Source.
func (src Source) MarshalText() ([]byte, error) { return []byte(src.String()), nil }

// LogValue keeps secrets out of a log that is handed a Source.
func (src Source) LogValue() slog.Value { return slog.StringValue(src.String()) }
