// Package scrub removes secrets from texts (clause C4).
//
// It does so in two ways. The patterns of Text match what usually is a secret: signed URLs, passwords
// before a host, headers and parameters with credentials, private keys, and the URLs of upload
// sessions. The Secrets of a client are the values themselves, which a server or a proxy may return
// under any name.
package scrub

import (
	"regexp"
	"strings"
)

// Error returns err with a message without anything that looks like a secret. It matches the same
// errors. A client that knows its secrets uses Secrets.Error instead.
func Error(err error) error { return (*Secrets)(nil).Error(err) }

// Text removes user, password and query, which may have a signature, from URLs, and redacts private
// keys and the values of headers and parameters with credentials.
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
	return strings.ReplaceAll(text, "["+redacted+"]", redacted) // already redacted, or in a printed list
}

const redacted = "[redacted]"

// containsAny saves most texts from being matched against the large expressions.
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

	// authorization is the value of an Authorization header in any text.
	authorization = regexp.MustCompile(`(?i)` +
		`(\b(?:bearer|basic)(?:\s+|%20|\+))[\w.~+/=%-]{16,}|` +
		`(\b(?:aws|goog1|oss|sharedkey(?:lite)?)(?:\s+|%20|\+))[\w.-]+(?::|%3a)[\w+/=%]{16,}`)

	// namedValue is a name and its value, with the characters between them in a
	// header, a query, JSON, XML or a printed http.Header. The last names must be
	// whole words; the others may be parts of longer ones, such as
	// x-amz-copy-source-server-side-encryption-customer-key.
	namedValue = regexp.MustCompile(`(?i)((?:` +
		`x-(?:amz|goog)-(?:signature|credential)|security[-_]?token|encryption-(?:customer-)?key|authorization|cookie|` +
		`(?:access|refresh|id|session|subject|sas)[-_]?token|secret[-_]?access[-_]?key|access[-_]?key[-_]?secret|awsaccesskeyid|` +
		`client[-_]?secret|(?:private|account|api)[-_]?key|password|passphrase|upload[-_]?id` +
		`|(?:\b|%(?:25)*[0-9a-f]{2}|\\u00[0-9a-f]{2}|\\x[0-9a-f]{2}|\\[nrt])(?:signature|credential|assertion|secret|sig))` +
		`(?:\\?["'])?\s*(?:=|:|>|%(?:25)*3[ad])(?:\s|\\?["'\[]|%20|%22|\+)*(?:(?:bearer|basic|aws|goog1|oss|sharedkey(?:lite)?)(?:\s+|%20|\+))?)` +
		`(?:\[redacted\]|(?:[^\s"'<>&,;\\\]\[]|\\/|\\u[0-9a-f]{4}|&(?:amp|#\w+);)+)`)

	// privateKey is the content of a key file: PEM, an identity of age, or NATS
	// credentials or a seed.
	privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*(?:PRIVATE KEY|SEED|JWT)-----(?s:.*?)(?:-----+END [A-Z ]*(?:PRIVATE KEY|SEED|JWT)-----+|$)|` +
		`AGE-SECRET-KEY-[0-9A-Za-z-]+|\bS[ACNOUX][A-Z2-7]{56}\b`)
)

// Reworded returns err with another message. It matches the same errors.
func Reworded(err error, text string) error { return &scrubbed{text: text, err: err} }

// scrubbed replaces the message of an error.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }
func (e *scrubbed) Unwrap() error { return e.err }
