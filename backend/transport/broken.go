package transport

import (
	"io"
	"strings"
)

// IsBroken reports whether a RoundTrip failed because its connection did, in
// the ways for which package net/http exports no error. An error of the
// request's body also comes from RoundTrip and is not one of them.
func IsBroken(err error) bool {
	if err == nil {
		return false
	}
	if err == io.EOF { // the server closed the connection instead of answering
		return true
	}
	text := err.Error()
	return strings.Contains(text, "transport connection broken") || strings.Contains(text, "server closed idle connection")
}
