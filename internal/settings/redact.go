package settings

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// withPorts matches hosts, with or without ports. Anything else after a colon may
// be a password whose host is missing.
var withPorts = regexp.MustCompile(`^(?:(?:\[[\da-fA-F:.%]*\]|[^:,\[]*)(?::\d*)?(?:,|$))*$`)

// misplaced matches what looks like a setting before the query: & or ; was written
// instead of the question mark.
var misplaced = regexp.MustCompile(`[&;][A-Za-z][\w.-]*=[^&;]*`)

// Redact returns a URL without its secrets. The value of a setting is shown
// only if plain returns true for it, because the name before a secret may be
// mistyped. Anything before the host or after a # is never shown.
//
// It accepts any text, because errors often show URLs that cannot be parsed.
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
		scheme = redactScheme(scheme) + "//"
	}
	end := strings.IndexByte(authority, '/')
	oneSlashTooMany := end == 0 && !strings.EqualFold(scheme, "file://")
	if end < 0 || oneSlashTooMany && strings.Contains(authority, ":") || strings.Contains(authority[:end], ":") && !IsARN(authority) || scheme == "" {
		end = len(authority)
	}
	host, _, _ := strings.Cut(authority, "/")
	at := max(strings.LastIndexByte(authority[:end], '@'), strings.LastIndex(authority[:end], "%40"))
	switch {
	case at >= 0:
		authority = hidden + authority[at:]
	case scheme != "" && !IsARN(host) && !withPorts.MatchString(host),
		strings.Contains(host, ":") && strings.Contains(raw[len(place):], "@"): // a ? or # in the password
		authority = hidden + authority[len(host):]
	}

	var b strings.Builder
	b.WriteString(scheme)
	b.WriteString(misplaced.ReplaceAllStringFunc(authority, func(part string) string {
		return part[:1] + redactParam(part[1:], hidden, plain)
	}))
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
	known := err == nil && plain(name, value) && !mayBeSecret(value)
	switch {
	case part == "" || known && hasValue:
		return part
	case !hasValue:
		return hidden // a value without a name, by mistake
	case value == "":
		return part
	}
	return key + "=" + hidden
}

// RedactValue is Redact for the value of a single setting.
func RedactValue(key, value string, plain func(key, value string) bool) string {
	if value == "" || plain(key, value) && !mayBeSecret(value) {
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
	before, _, found := strings.Cut(value, "@")
	return found && (strings.Contains(value, "//") || strings.Contains(before, ":"))
}

// Quote returns a value in quotes for an error, or "not shown" if it looks like
// a secret, which may have been put into the wrong setting.
func Quote(value string) string {
	if mayBeSecret(value) {
		return scrub.Secret(1).GoString()
	}
	return strconv.Quote(value)
}

// mayBeSecret reports whether a value, escaped or not, looks like a secret.
func mayBeSecret(value string) bool {
	decoded, err := url.QueryUnescape(value)
	if err != nil {
		decoded = value
	}
	scheme, _, isURL := strings.Cut(decoded, "://")
	return HasUser(value) || scrub.Text(value) != value || scrub.Text(decoded) != decoded || isURL && !isPlainScheme(scheme)
}
