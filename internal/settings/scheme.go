// Package settings has what the root package and backend/settings share to
// parse and print settings: URL schemes, suggestions for mistyped names,
// redaction, the registries, and the error for a field of a Config.
package settings

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

var errNoScheme = errors.New("the URL has no scheme: want one such as file:///var/replica or s3://bucket/path")

// Scheme returns the scheme of a URL in lower case, or an error if there is
// none. A single letter is not a scheme but a Windows drive.
func Scheme(raw string) (string, error) {
	scheme, _, ok := strings.Cut(raw, ":")
	if !ok || len(scheme) < 2 || strings.ContainsFunc(scheme, notInScheme) || !isLetter(scheme[0]) {
		return "", errNoScheme
	}
	return strings.ToLower(scheme), nil
}

func notInScheme(c rune) bool {
	return c > 0x7f || !isLetter(byte(c)) && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.'
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// IsARN reports whether s, the part of a URL after "s3://", is an ARN, whose
// resource contains a slash: arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME.
func IsARN(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "arn:") }

// shortWord matches unknown schemes that may be shown.
var shortWord = regexp.MustCompile(`^[a-z+]{1,12}[0-9]?[a-z]?$`)

// isPlainScheme reports whether the text before "://" may be shown: a known scheme,
// or a short word that does not end with one. Any other text may be a secret that was
// pasted before the URL.
func isPlainScheme(scheme string) bool {
	known := append(Drivers().All(), "http", "https")
	return slices.Contains(known, strings.ToLower(scheme)) ||
		shortWord.MatchString(scheme) && !slices.ContainsFunc(known, func(end string) bool { return strings.HasSuffix(scheme, end) })
}

// QuoteScheme returns the scheme of a URL, or a scheme alone, in quotes for an error, or
// "not shown" if a secret may have been pasted before the URL.
func QuoteScheme(url string) string {
	scheme, rest, _ := strings.Cut(url, ":")
	if isPlainScheme(scheme) && !strings.Contains(rest, "://") {
		return strconv.Quote(strings.ToLower(scheme))
	}
	return scrub.Secret(1).GoString()
}
