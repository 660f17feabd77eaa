package transport

import (
	"io"
	"strings"
)

// IsBroken reports whether a RoundTrip failed because its connection broke, for the
// errors that package net/http does not export. It is false for an error of the
// request's body, which RoundTrip returns too.
func IsBroken(err error) bool {
	if err == nil {
		return false
	}
	if err == io.EOF { // the server closed the connection without a response
		return true
	}
	text := err.Error()
	return strings.Contains(text, "transport connection broken") || strings.Contains(text, "server closed idle connection")
}
