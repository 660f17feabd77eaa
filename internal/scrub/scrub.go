// Package scrub keeps what may not be logged out of texts (clause C4): signed
// URLs, signatures, and the addresses of upload sessions, which are as good as
// a key.
package scrub

import (
	"regexp"
	"strings"
)

// Error returns err with a text that is free of secrets. errors.Is and
// errors.As see what they saw.
func Error(err error) error {
	text := err.Error()
	clean := Text(text)
	if clean == text {
		return err
	}
	return &scrubbed{text: clean, err: err}
}

// Text takes off URLs the query, where a signature may be, and user and password,
// and the values off parameters of signatures anywhere else.
func Text(text string) string {
	if !strings.ContainsAny(text, "?=@") { // nearly always
		return text
	}
	query := regexp.MustCompile(`(https?://[^\s"'?]*)\?[^\s"']*[^\s"':;,.]`)
	user := regexp.MustCompile(`(https?://)[^\s"'/?#]*@`)
	secret := regexp.MustCompile(`(?i)\b(X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|X-Goog-Signature|X-Goog-Credential|` +
		`Signature|AWSAccessKeyId|Credential|upload_id|access_token)=[^&\s"',]+`)
	text = user.ReplaceAllString(query.ReplaceAllString(text, "$1"), "$1[redacted]@")
	return secret.ReplaceAllString(text, "$1=[redacted]")
}

// scrubbed hides parts of an error's text, not the error.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }
func (e *scrubbed) Unwrap() error { return e.err }
