package settings

import (
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Redact returns a URL without its secrets. The value of a setting is shown
// only if plain returns true for it, because a mistyped name may stand before
// a secret. What is before the host and after a # is never shown.
//
// It accepts any text: the URLs that errors show are often those that cannot
// be parsed.
func Redact(raw string, plain func(key, value string) bool) string {
	hidden := scrub.Redacted(1)
	rest, fragment, hasFragment := strings.Cut(raw, "#")
	place, query, hasQuery := strings.Cut(rest, "?")

	// A password may contain a slash that was not escaped; only the colon
	// before it distinguishes it from a path with an @.
	scheme, authority, ok := strings.Cut(place, "//")
	if !ok {
		scheme, authority = "", place
	} else {
		scheme += "//"
	}
	end := strings.IndexByte(authority, '/')
	oneSlashTooMany := end == 0 && !strings.EqualFold(scheme, "file://")
	if end < 0 || oneSlashTooMany && strings.Contains(authority, ":") || strings.Contains(authority[:end], ":") && !IsARN(authority) || scheme == "" {
		end = len(authority)
	}
	if at := strings.LastIndexByte(authority[:end], '@'); at >= 0 {
		authority = hidden + authority[at:]
	}

	var b strings.Builder
	b.WriteString(scheme)
	b.WriteString(authority)
	if hasQuery {
		b.WriteByte('?')
		for i, part := range strings.Split(query, "&") {
			if i > 0 {
				b.WriteByte('&')
			}
			b.WriteString(redactParam(part, hidden, plain))
		}
	}
	if hasFragment {
		b.WriteByte('#')
		if fragment != "" {
			b.WriteString(hidden)
		}
	}
	return b.String()
}

func redactParam(part, hidden string, plain func(key, value string) bool) string {
	key, value, hasValue := strings.Cut(part, "=")
	name, err := url.QueryUnescape(key)
	known := err == nil && plain(name, value) && !HasUser(value)
	switch {
	case part == "" || known && hasValue:
		return part
	case !hasValue:
		return hidden // a value that stands alone by mistake
	case value == "":
		return part
	}
	return key + "=" + hidden
}

// RedactValue is Redact for the value of a single setting.
func RedactValue(key, value string, plain func(key, value string) bool) string {
	if value == "" || plain(key, value) && !HasUser(value) {
		return value
	}
	return scrub.Redacted(1)
}

// HasUser reports whether a value may be a URL with a password in it, escaped
// or not.
func HasUser(value string) bool {
	if decoded, err := url.QueryUnescape(value); err == nil {
		value = decoded
	}
	return strings.Contains(value, "@") && strings.Contains(value, "//")
}
