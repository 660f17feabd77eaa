package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// conn is a connection. When it is lost, so is what was sent over it, and the next request
// makes a new one.
type conn struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	lost context.Context // ends with the connection

	// stream sends requests to the server that has the latest messages. copies means
	// that other servers with a copy respond too: see Stream.Read.
	stream jetstream.Stream
	copies bool

	// informed is the same stream for requests that load its configuration, after which
	// stream itself would no longer use the server that has the latest messages.
	informed flow.Lazy[jetstream.Stream]

	// denied is the last permission violation. The server reports it separately
	// from the request, which gets no response.
	denied atomic.Pointer[error]
}

// connected returns the connection, and makes a new one if there is none or it was lost.
func (s *Stream) connected(ctx context.Context) (*conn, error) {
	if c := s.ready.Load(); c != nil && c.nc.IsClosed() {
		s.discovered.Store(new(c.nc.DiscoveredServers()))
		s.ready.CompareAndSwap(c, nil)
	}
	return s.ready.Get(ctx, s.dial)
}

func (s *Stream) dial(ctx context.Context) (*conn, error) {
	c := &conn{}
	lost, lose := context.WithCancel(context.Background())
	c.lost = lost
	options := s.cfg.Options
	options.AllowReconnect = false
	options.ClosedCB = func(*nats.Conn) { lose() }
	options.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			c.denied.Store(&err)
		}
	}
	dialed := make(chan error, 1)
	go func() { // Connect has no context
		var err error
		c.nc, err = options.Connect()
		if others := s.discovered.Load(); err != nil && others != nil && len(*others) > 0 {
			options.Servers = *others
			if nc, failed := options.Connect(); failed == nil {
				c.nc, err = nc, nil
			}
		}
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: %w", errLost, err)
		}
		dialed <- err
	}()
	select {
	case err := <-dialed:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		go func() {
			if <-dialed == nil {
				c.nc.Close()
			}
		}()
		return nil, flow.Err(ctx)
	}
	if err := s.open(ctx, c); err != nil {
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

// open finds the stream.
func (s *Stream) open(ctx context.Context, c *conn) (err error) {
	// Each Sender limits its own messages.
	if c.js, err = jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(math.MaxInt)); err != nil {
		return err
	}
	if err := s.cfg.Admit(c.nc.MaxPayload()); err != nil {
		return err
	}
	return s.within(ctx, c, func(ctx context.Context) error {
		if c.stream, err = c.js.Stream(ctx, s.cfg.Name); err != nil {
			return err
		}
		config := &c.stream.CachedInfo().Config
		c.copies, config.AllowDirect = config.AllowDirect, false
		return nil
	})
}

// Close closes the connection. The next method makes a new one.
func (s *Stream) Close() {
	if c := s.ready.Swap(nil); c != nil {
		c.nc.Close()
	}
}

// call calls do, which sends a request, with a limit for how long its response may
// take. If nothing responds because the stream does not exist, that is the error.
func (s *Stream) call(ctx context.Context, do func(context.Context, *conn) error) error {
	c, err := s.connected(ctx)
	if err != nil {
		return err
	}
	return s.over(ctx, c, func(ctx context.Context) error { return do(ctx, c) })
}

// over is call for a request over c.
func (s *Stream) over(ctx context.Context, c *conn, do func(context.Context) error) error {
	err := s.within(ctx, c, do)
	if !isUnanswered(err) {
		return err
	}
	return cmp.Or(s.within(ctx, c, func(ctx context.Context) error {
		_, gone := c.js.Stream(ctx, s.cfg.Name)
		return gone
	}), err)
}

// within calls do, and fails if the response does not come in time, or the connection
// is lost.
func (s *Stream) within(ctx context.Context, c *conn, do func(context.Context) error) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.lost, func() { cancel(errLost) })()
	limited, stop := context.WithTimeoutCause(limited, s.cfg.IdleTimeout, errStalled)
	defer stop()
	err := do(limited)
	if err == nil || ctx.Err() != nil || limited.Err() == nil {
		return err
	}
	if denied := c.denied.Load(); denied != nil {
		return *denied
	}
	return context.Cause(limited)
}
