// Package settings has what the root package and backend/settings share to
// parse and print settings: URL schemes, suggestions for mistyped names,
// redaction, the registries, and the error for a field of a Config.
package settings

import (
	"errors"
	"strings"
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

// IsARN reports whether s, what follows "s3://", is an ARN, whose resource
// contains a slash: arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME.
func IsARN(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "arn:") }
