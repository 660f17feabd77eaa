package transport

import (
	"crypto/tls"
	"errors"
	"strings"
)

// Speaks returns "http" or "https", the protocol of the server, if a RoundTrip failed
// because the request used the other one. Otherwise, it returns the empty string.
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
