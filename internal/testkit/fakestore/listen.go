// Package fakestore offers the fakes of object stores to the conformance suite:
// what they have in common, over what a Replica says of one.
package fakestore

import (
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// Listen serves a fake behind its layer of faults on loopback. With secure it does
// so over TLS, and bundle is a file of its certificate.
func Listen(layer *httpfault.Layer, secure bool) (server *httptest.Server, bundle string, err error) {
	server = httptest.NewUnstartedServer(layer)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if !secure {
		server.Start()
		return server, "", nil
	}
	server.StartTLS()
	dir, err := os.MkdirTemp("", "fakestore")
	if err != nil {
		return nil, "", err
	}
	bundle = filepath.Join(dir, "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server, bundle, os.WriteFile(bundle, ca, 0o600)
}

// Close ends a server and the faults around it, and removes the bundle that
// Listen has made; of another server it is empty.
func Close(layer *httpfault.Layer, server *httptest.Server, bundle string) error {
	layer.Clear()
	server.CloseClientConnections()
	server.Close()
	if bundle == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(bundle))
}
