package ltxstore

import (
	"fmt"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Redact returns the URL of a replica with "[redacted]" in place of the user,
// the password, and the value of every setting, except for those that the
// backend knows and does not declare a secret. It accepts any text, because
// URLs that cannot be parsed are shown in errors too.
func Redact(url string) string {
	scheme, err := settings.Scheme(url)
	if err != nil {
		scheme = ""
	}
	return settings.Redact(url, plain(scheme))
}

// plain returns a function that reports whether a setting of a backend or of
// a wrapper is known and not a secret.
func plain(scheme string) func(key, value string) bool {
	if driver := driverOf(scheme); driver != nil {
		return driver.Plain
	}
	return func(string, string) bool { return false }
}

// String returns the fields of src as text, redacted as by Redact.
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

// Format is String for every verb.
func (src Source) Format(f fmt.State, _ rune) { scrub.Format(f, src.String()) }

// MarshalText is String, and so are the JSON of a Source and what log/slog writes.
func (src Source) MarshalText() ([]byte, error) { return []byte(src.String()), nil }

// MarshalBinary is String too, for encoding/gob.
func (src Source) MarshalBinary() ([]byte, error) { return src.MarshalText() }
