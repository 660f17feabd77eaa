package memnet

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// Serve starts a server, and returns what connects to it: a backend's own
// transport, with timeouts of one minute.
//
// No connection is kept for the next request. Package net/http repeats a
// request by itself whose kept connection was closed under it, which would
// blur the count of requests.
func Serve(handler http.Handler) (*httptest.Server, *http.Transport) {
	listener := Listen()
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler:  handler,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	client, err := transport.New(transport.Options{Dial: listener.Dial, IdleTimeout: time.Minute, ResponseTimeout: time.Minute})
	if err != nil {
		panic(fmt.Sprintf("memnet: options without a file are refused: %v", err))
	}
	return server, client
}
