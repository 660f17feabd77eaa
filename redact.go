package ltxstore

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Redact returns the URL of a replica with "[redacted]" in place of the user,
// the password, and the value of every setting, except for those that the
// backend knows and does not declare a secret. It accepts any text, because
// URLs that cannot be parsed are shown in errors too.
func Redact(url string) string {
	plain := func(string, string) bool { return false }
	if scheme, err := settings.Scheme(url); err == nil {
		if driver := driverOf(scheme); driver != nil {
			plain = driver.Plain
		}
	}
	return settings.Redact(url, plain)
}

// String returns the fields of src as text: the URL redacted as by Redact, and the
// names of the settings without their values.
func (src Source) String() string {
	names := func(given map[string]string) []string { return slices.Sorted(maps.Keys(given)) }
	mirrors := ""
	if len(src.Mirrors) > 0 {
		mirrors = fmt.Sprintf(" Mirrors:%v", src.Mirrors)
	}
	return fmt.Sprintf("ltxstore.Source{Type:%q URL:%q Settings:%q Defaults:%q Layout:%q%s}",
		src.Type, Redact(src.URL), names(src.Settings), names(src.Defaults), src.Layout, mirrors)
}

// Format is String for every verb.
func (src Source) Format(f fmt.State, _ rune) { scrub.Format(f, src.String()) }

// MarshalText is String, and so are the JSON of a Source and what log/slog writes.
func (src Source) MarshalText() ([]byte, error) { return []byte(src.String()), nil }

// MarshalBinary is String too, for encoding/gob.
func (src Source) MarshalBinary() ([]byte, error) { return src.MarshalText() }
