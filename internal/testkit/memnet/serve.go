package memnet

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// Serve starts a server, and returns the transport of a backend that connects
// to it, with timeouts of one minute.
//
// Connections are not reused. Package net/http itself retries a request if a
// reused connection was closed, which would change the number of requests.
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
