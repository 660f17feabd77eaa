package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// dialer makes the connections of a transport.
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

// dialTLS dials like net/http without DialTLSContext.
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
			// The error of timed would look like the caller's deadline.
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

// pooledConn copies a request's body through a buffer from a pool. Without its
// ReadFrom, net/http allocates 32 KiB for each request, which nearly doubles the
// allocations of a request, and is a fifth of the memory of a multipart upload.
type pooledConn struct{ net.Conn }

var copyBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ReadFrom implements io.ReaderFrom.
func (c pooledConn) ReadFrom(r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r}, buf[:])
}

// progressConn fails reads and writes that make no progress for a while. A peer that
// stops reading would block a write until the kernel gives up, and net/http limits the
// wait for a response only after that; a peer that stops in the middle of a response
// would block its reader forever.
type progressConn struct {
	net.Conn
	write, read time.Duration

	mu      sync.Mutex
	writing bool
}

// progressStep is how much must be sent within the timeout. A deadline for a buffer of
// many megabytes would end transfers that are merely slow.
const progressStep = 64 << 10

func (c *progressConn) Write(p []byte) (written int, err error) {
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.write)); err != nil {
			return written, err
		}
		if err := c.setWriting(true); err != nil {
			return written, err
		}
		step := p[written:min(written+progressStep, len(p))]
		n, err := c.Conn.Write(step)
		written += n
		if err != nil || written == len(p) {
			return written, cmp.Or(err, c.setWriting(false))
		}
	}
}

func (c *progressConn) setWriting(writing bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = writing
	return c.limitRead()
}

func (c *progressConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	err := c.limitRead()
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// limitRead sets the read deadline. net/http waits for the response while it still
// writes the request. That wait must not end before the timeout of the write, which
// would then fail because of a closed connection and not because of a timeout.
func (c *progressConn) limitRead() error {
	timeout := c.read
	if c.writing {
		timeout += c.write
	}
	return c.SetReadDeadline(time.Now().Add(timeout))
}
