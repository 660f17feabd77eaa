package transport

import (
	"io"
	"strings"
)

// IsBroken reports that a RoundTrip has failed because the connection did, in
// ways that package net/http gives no exported error for. A body's own error
// comes the same way and is none of them.
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
