// Package fakestore makes the fakes of object stores usable by the conformance
// suite. A Replica describes one; the package has what they have in common.
package fakestore

import (
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// Listen serves a fake with its layer of faults on a loopback address. With secure
// it uses TLS, and bundle is a file with its certificate.
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

// Close ends a server and its faults, and removes the bundle that Listen
// returned. For another server bundle is empty.
func Close(layer *httpfault.Layer, server *httptest.Server, bundle string) error {
	layer.Clear()
	server.CloseClientConnections()
	server.Close()
	if bundle == "" {
		return nil
	}
	return os.RemoveAll(filepath.Dir(bundle))
}
