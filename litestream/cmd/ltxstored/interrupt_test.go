package main

import (
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// silent is a store that does not answer. asked is closed when it was asked.
func silent(t *testing.T) (address string, asked chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	asked = make(chan struct{})
	go func() {
		if c, err := listener.Accept(); err == nil {
			close(asked)
			defer c.Close()
			_, _ = io.Copy(io.Discard, c) // no answer
		}
	}()
	return listener.Addr().String(), asked
}

// A start that waits for a store is ended by a signal to stop, and by no other.
func TestTerminateDuringStart(t *testing.T) {
	address, asked := silent(t)
	h := newHost(t, one+`  - path: $DIR/other.db
    restore-if-db-not-exists: true
    replica: {url: "webdav://`+address+`/x"}
`)
	r := h.start()
	<-asked
	r.signal(syscall.SIGHUP)
	r.signal(syscall.SIGTERM)
	assert.Equal(t, exitOK, r.wait(), r.text())
	assert.Contains(t, r.text(), `msg="stopped while starting" signal=terminated`)
}

// A SIGTERM ends a reload that waits for a store, at once.
func TestTerminateDuringReload(t *testing.T) {
	address, asked := silent(t)
	h := newHost(t, one)
	r := h.start()
	r.healthy()
	h.configure(one + `  - path: $DIR/other.db
    restore-if-db-not-exists: true
    replica: {url: "webdav://` + address + `/x"}
`)
	r.signal(syscall.SIGHUP)
	<-asked
	r.signal(syscall.SIGHUP)
	h.exec(`INSERT INTO t (x) VALUES (1)`)
	r.signal(syscall.SIGTERM)
	assert.Equal(t, exitOK, r.wait(), r.text())
	h.requireRestored("r")
}
