package transport

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// dialer makes a transport's connections.
type dialer struct {
	plain                     func(ctx context.Context, network, address string) (net.Conn, error)
	tls                       *tls.Config
	handshake, idle, response time.Duration // timeouts
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return pooledConn{conn}, nil
}

// dialTLS does what net/http does for a connection that it dials itself.
func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	cfg := d.tls.Clone()
	cfg.ServerName = host
	secure := tls.Client(conn, cfg)
	timed, cancel := context.WithTimeout(ctx, d.handshake)
	defer cancel()
	if err := secure.HandshakeContext(timed); err != nil {
		_ = conn.Close()
		if timed.Err() != nil && ctx.Err() == nil {
			// The error of timed would pass for the caller's deadline.
			err = &net.OpError{Op: "TLS handshake", Net: network, Addr: conn.RemoteAddr(), Err: os.ErrDeadlineExceeded}
		}
		return nil, err
	}
	return pooledConn{secure}, nil
}

func (d *dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.plain(ctx, network, address)
	if err != nil || d.idle <= 0 {
		return conn, err
	}
	return &progressConn{Conn: conn, write: d.idle, read: max(d.idle, d.response)}, nil
}

// pooledConn copies a request's body through a buffer from a pool. Without
// its ReadFrom net/http makes one of 32 KiB for each request, which nearly
// doubles what a request allocates, and is a fifth of the memory that a
// multipart upload takes.
type pooledConn struct{ net.Conn }

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ReadFrom implements io.ReaderFrom.
func (c pooledConn) ReadFrom(r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r}, buf[:])
}

// progressConn fails what makes no progress for a time. A peer that stops
// reading would block a write until the kernel gives up, and the wait for an
// answer begins only after it; a peer that stops in the middle of an answer
// would block its reader for ever.
type progressConn struct {
	net.Conn
	write, read time.Duration
}

// progressStep is what must be sent within the timeout. A deadline for a
// buffer of many megabytes would end transfers that are only slow.
const progressStep = 64 << 10

func (c *progressConn) Write(p []byte) (written int, err error) {
	for {
		now := time.Now()
		if err := c.SetWriteDeadline(now.Add(c.write)); err != nil {
			return written, err
		}
		// The reader already waits for the answer: it has its time from the
		// last byte on. It may not end first, or the write would fail with
		// a connection that was closed under it, and not as a timeout.
		if err := c.SetReadDeadline(now.Add(c.write + c.read)); err != nil {
			return written, err
		}
		step := p[written:min(written+progressStep, len(p))]
		n, err := c.Conn.Write(step)
		written += n
		if err != nil || written == len(p) {
			if err == nil {
				err = c.SetReadDeadline(time.Now().Add(c.read))
			}
			return written, err
		}
	}
}

func (c *progressConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.read)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}
