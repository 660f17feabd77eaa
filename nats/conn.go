package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
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

	// Both are the bucket's stream: leader asks the server that has the latest
	// messages, also for those that any server with a copy would return.
	stream, leader jetstream.Stream

	// denied is the last permission violation. The server reports it separately
	// from the request, which gets no response.
	denied atomic.Pointer[error]
}

// connected returns the connection, and makes a new one if there is none or it was lost.
func (b *bucket) connected(ctx context.Context) (*conn, error) {
	if c := b.ready.Load(); c != nil && c.nc.IsClosed() {
		b.servers.Store(new(slices.Concat(b.options.Servers, c.nc.DiscoveredServers())))
		b.ready.CompareAndSwap(c, nil)
	}
	return b.ready.Get(ctx, b.dial)
}

// dial connects, and finds the stream.
func (b *bucket) dial(ctx context.Context) (*conn, error) {
	lost, lose := context.WithCancel(context.Background())
	c := &conn{lost: lost}
	options := b.options
	options.AllowReconnect = false
	if servers := b.servers.Load(); servers != nil {
		options.Servers = *servers
	}
	options.ClosedCB = func(*nats.Conn) { lose() }
	options.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			c.denied.Store(&err)
		}
	}
	dialed := make(chan error)
	go func() { // Connect has no context
		nc, err := options.Connect()
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: %w", errLost, err)
		}
		c.nc = nc
		select {
		case dialed <- err:
		case <-ctx.Done():
			if err == nil {
				nc.Close()
			}
		}
	}()
	select {
	case err := <-dialed:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, flow.Err(ctx)
	}
	if err := b.open(ctx, c); err != nil {
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

// open finds the stream.
func (b *bucket) open(ctx context.Context, c *conn) (err error) {
	if size := b.cfg.Transfer.PartSize; size > c.nc.MaxPayload()-headerRoom {
		return invalid("Transfer.PartSize", size, "want at most the server's max_payload less 1 KiB")
	}
	// Each write limits its own messages.
	if c.js, err = jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(math.MaxInt)); err != nil {
		return err
	}
	return b.over(ctx, c, func(ctx context.Context) error {
		if c.stream, err = c.js.Stream(ctx, b.stream); err != nil {
			return err
		}
		if c.leader, err = c.js.Stream(ctx, b.stream); err != nil {
			return err
		}
		c.leader.CachedInfo().Config.AllowDirect = false
		return nil
	})
}

// Close closes the connection, unless other clients use it. The next method makes a new one.
func (b *bucket) Close() {
	if !b.leave() {
		return
	}
	if c := b.ready.Swap(nil); c != nil {
		c.nc.Close()
	}
}

// call calls do, which sends a request: see over.
func (b *bucket) call(ctx context.Context, do func(context.Context, *conn) error) error {
	c, err := b.connected(ctx)
	if err != nil {
		return err
	}
	return b.over(ctx, c, func(ctx context.Context) error { return do(ctx, c) })
}

// over calls do, which sends a request over c. It fails if the response does not come in
// time, or the connection is lost. If nothing responds because the stream does not exist,
// that is the error.
func (b *bucket) over(ctx context.Context, c *conn, do func(context.Context) error) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.lost, func() { cancel(errLost) })()
	limited, stop := context.WithTimeoutCause(limited, b.cfg.IdleTimeout, errStalled)
	defer stop()
	err := do(limited)
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		_, gone := c.js.Stream(limited, b.stream)
		err = cmp.Or(gone, err)
	}
	if err == nil || ctx.Err() != nil || limited.Err() == nil {
		return err
	}
	if denied := c.denied.Load(); denied != nil {
		return *denied
	}
	return context.Cause(limited)
}
