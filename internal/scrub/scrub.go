// Package scrub removes secrets from texts (clause C4).
//
// It does so in two ways. The patterns of Text match what secrets usually look like: signed URLs,
// passwords before a host, headers and parameters with credentials, private keys, and the addresses
// of upload sessions. A client's Secrets know the values themselves, which a server or a proxy may
// return under any name.
package scrub

import (
	"regexp"
	"strings"
)

// Error returns err with a text without anything that looks like a secret. It matches the same
// errors. A client that knows its secrets uses Secrets.Error instead.
func Error(err error) error { return (*Secrets)(nil).Error(err) }

// Text removes user, password and query from URLs, where a signature may be, and redacts private keys
// and the values of headers and parameters with credentials.
func Text(text string) string {
	if containsAny(text, "-----BEGIN", "-SECRET-KEY-", "SA", "SC", "SN", "SO", "SU", "SX") {
		text = privateKey.ReplaceAllString(text, redacted)
	}
	if strings.Contains(text, "?") {
		text = queryOfURL.ReplaceAllString(text, "$1")
	}
	if strings.Contains(text, "@") || strings.Contains(text, "%40") {
		text = userInURL.ReplaceAllString(text, "$1"+redacted+"@")
	}
	lower := strings.ToLower(text)
	if containsAny(lower, "bearer", "basic", "aws", "goog1", "oss", "sharedkey") {
		text = authorization.ReplaceAllString(text, "$1$2"+redacted)
	}
	if containsAny(lower, "sig", "credential", "token", "key", "auth", "cookie", "secret", "pass", "upload", "assertion") {
		text = namedValue.ReplaceAllString(text, "$1"+redacted)
	}
	return strings.ReplaceAll(text, "["+redacted+"]", redacted) // what was done before, or a printed list
}

const redacted = "[redacted]"

// containsAny avoids matching most texts against the large expressions.
func containsAny(text string, words ...string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

var (
	queryOfURL = regexp.MustCompile(`(https?:(?://|\\/\\/)[^\s"'?]*)\?[^\s"']*[^\s"':;,.]`)

	userInURL = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*(?::|%3a)(?://|\\/\\/|%2f%2f))[^\s"'/?#]*(?:@|%40)`)

	// authorization is the value of an Authorization header wherever it stands.
	authorization = regexp.MustCompile(`(?i)` +
		`(\b(?:bearer|basic)(?:\s+|%20|\+))[\w.~+/=%-]{16,}|` +
		`(\b(?:aws|goog1|oss|sharedkey(?:lite)?)(?:\s+|%20|\+))[\w.-]+(?::|%3a)[\w+/=%]{16,}`)

	// namedValue is a name, what may stand between it and its value in a
	// header, a query, JSON, XML or a printed http.Header, and the value. The
	// last names are words of their own; the others are found in longer ones
	// too, such as x-amz-copy-source-server-side-encryption-customer-key.
	namedValue = regexp.MustCompile(`(?i)((?:` +
		`x-(?:amz|goog)-(?:signature|credential)|security[-_]?token|encryption-(?:customer-)?key|authorization|cookie|` +
		`(?:access|refresh|id|session|subject|sas)[-_]?token|secret[-_]?access[-_]?key|access[-_]?key[-_]?secret|awsaccesskeyid|` +
		`client[-_]?secret|(?:private|account|api)[-_]?key|password|passphrase|upload[-_]?id` +
		`|(?:\b|%(?:25)*[0-9a-f]{2}|\\u00[0-9a-f]{2}|\\x[0-9a-f]{2}|\\[nrt])(?:signature|credential|assertion|secret|sig))` +
		`(?:\\?["'])?\s*(?:=|:|>|%(?:25)*3[ad])(?:\s|\\?["'\[]|%20|%22|\+)*(?:(?:bearer|basic|aws|goog1|oss|sharedkey(?:lite)?)(?:\s+|%20|\+))?)` +
		`(?:\[redacted\]|(?:[^\s"'<>&,;\\\]\[]|\\/|\\u[0-9a-f]{4}|&(?:amp|#\w+);)+)`)

	// privateKey is a key as its file has it: PEM, an identity of age, or NATS's
	// credentials or seed.
	privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*(?:PRIVATE KEY|SEED|JWT)-----(?s:.*?)(?:-----+END [A-Z ]*(?:PRIVATE KEY|SEED|JWT)-----+|$)|` +
		`AGE-SECRET-KEY-[0-9A-Za-z-]+|\bS[ACNOUX][A-Z2-7]{56}\b`)
)

// Reworded returns err with another text. It matches the same errors.
func Reworded(err error, text string) error { return &scrubbed{text: text, err: err} }

// scrubbed hides parts of an error's text, not the error.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }
func (e *scrubbed) Unwrap() error { return e.err }
