// Package memnet is a network in memory, for tests: an http.Server and its
// clients in one process without a socket between them, so that they use the
// clock of testing/synctest, and a busy machine does not make a test fail.
//
// A connection has no buffer: a Write returns when the peer has read all bytes.
package memnet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Listener is a net.Listener to which its Dial connects.
type Listener struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    func()
}

// Listen returns a listener. Only its Dial can connect to it.
func Listen() *Listener {
	l := &Listener{accepted: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Dial connects to the listener, whatever the address. It fails if the listener
// is closed.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	reset := new(atomic.Bool)
	select {
	case l.accepted <- &conn{Conn: far, reset: reset}:
		return &conn{Conn: near, reset: reset}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Addr: address{}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It does not close accepted connections.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr implements net.Listener. It is a loopback address, for which no proxy is
// used.
func (l *Listener) Addr() net.Addr { return address{} }

const network = "memnet"

type address struct{}

func (address) Network() string { return network }
func (address) String() string  { return "127.0.0.1:1" }

// conn is one end of a connection. Its errors are those of a socket.
type conn struct {
	net.Conn
	reset  *atomic.Bool // of both ends
	linger atomic.Bool  // Close resets
	closed atomic.Bool
}

// SetLinger makes Close reset the connection if sec is 0, as in net.TCPConn.
func (c *conn) SetLinger(sec int) error {
	c.linger.Store(sec == 0)
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if !c.closed.Swap(true) && c.linger.Load() {
		c.reset.Store(true)
	}
	return c.Conn.Close()
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.socketError("read", err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.socketError("write", err)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error { return c.deadlineError(c.Conn.SetDeadline(t)) }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.deadlineError(c.Conn.SetReadDeadline(t)) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.deadlineError(c.Conn.SetWriteDeadline(t))
}

// deadlineError ignores that the peer has closed, which a socket reports only
// in the next Read or Write.
func (c *conn) deadlineError(err error) error {
	if err != nil && c.closed.Load() {
		return net.ErrClosed
	}
	return nil
}

func (c *conn) socketError(op string, err error) error {
	var cause error
	switch {
	case err == nil:
		return nil
	case c.closed.Load():
		cause = net.ErrClosed
	case c.reset.Load() && (err == io.EOF || errors.Is(err, io.ErrClosedPipe)):
		cause = os.NewSyscallError(op, syscall.ECONNRESET)
	case op == "write" && errors.Is(err, io.ErrClosedPipe):
		cause = os.NewSyscallError(op, syscall.EPIPE)
	case errors.Is(err, os.ErrDeadlineExceeded):
		cause = os.ErrDeadlineExceeded
	default:
		return err
	}
	return &net.OpError{Op: op, Net: network, Addr: address{}, Err: cause}
}
