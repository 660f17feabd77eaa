package transport

import (
	"crypto/tls"
	"errors"
	"strings"
)

// Speaks returns "http" or "https" if a RoundTrip has failed because the server
// speaks that and was spoken to in the other, and the empty string otherwise.
func Speaks(err error) string {
	if err == nil {
		return ""
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		return "http"
	}
	switch text := err.Error(); {
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "http"
	case strings.Contains(text, `malformed HTTP response "\x15\x03`), // an alert of TLS
		strings.Contains(text, "HTTP request to an HTTPS server"), strings.Contains(text, "HTTP request was sent to HTTPS port"):
		return "https"
	}
	return ""
}
