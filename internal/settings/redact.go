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
var withPorts = regexp.MustCompile(`^(?:(?:\[[\da-fA-F:.%]*\]|[^:,%\[]*)(?::\d*)?(?:,|$))*$`)

// misplaced matches what looks like a setting before the query: & or ; was written
// instead of the question mark.
var misplaced = regexp.MustCompile(`[&;][A-Za-z][\w.-]*=`)

// Redact returns a URL without its secrets: without user and password, and without the
// value of a setting unless plain returns true for it, because the name before a secret may
// be mistyped.
//
// It accepts any text, because errors often show URLs that cannot be parsed. If it is not
// certain where the parts of a URL are, it shows nothing after the scheme, since a
// password may contain a slash, a question mark or a # that was not escaped.
func Redact(raw string, plain func(key, value string) bool) string {
	hidden := scrub.Redacted(1)
	place, query, hasQuery := strings.Cut(raw, "?")
	scheme, rest, ok := strings.Cut(place, "//")
	if name := strings.TrimSuffix(scheme, ":"); ok && (name == scheme || !isPlainScheme(name)) && scheme != "" {
		return hidden
	}
	if !ok {
		scheme, rest = "", place
	} else if scheme += "//"; strings.Contains(authority(rest), "@") {
		at := strings.LastIndexByte(authority(rest), '@')
		scheme, rest = scheme+hidden+"@", rest[at+1:]
	}
	before, _, hasAt := strings.Cut(rest, "@")
	key, _, _ := strings.Cut(query, "=")
	switch {
	case hasAt && (!ok || strings.Contains(before, ":")), strings.Contains(key, "@"), strings.Contains(raw, "#"),
		ok && !IsARN(rest) && !withPorts.MatchString(authority(rest)), misplaced.MatchString(rest):
		return scheme + hidden
	case !hasQuery:
		return scheme + rest
	}
	params := strings.Split(query, "&")
	for i, param := range params {
		params[i] = redactParam(param, hidden, plain)
	}
	return scheme + rest + "?" + strings.Join(params, "&")
}

// authority returns the part of a URL between its // and its path.
func authority(rest string) string {
	host, _, _ := strings.Cut(rest, "/")
	return host
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
