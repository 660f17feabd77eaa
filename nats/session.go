package nats

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// session is a connection, which reconnects by itself, and the bucket's stream.
type session struct {
	nc *nats.Conn
	js jetstream.JetStream

	// Any server that has a copy may answer for stream, and only the one that
	// has the latest messages for leader.
	stream, leader jetstream.Stream

	// denied is the last permission violation. The server reports it separately
	// from the request, which gets no answer.
	denied atomic.Pointer[error]
}

// session returns the connection, a new one if there is none or it was closed.
func (b *bucket) session(ctx context.Context) (*session, error) {
	if s := b.ready.Load(); s != nil && s.nc.IsClosed() {
		b.ready.CompareAndSwap(s, nil)
	}
	return b.ready.Get(ctx, b.dial)
}

func (b *bucket) dial(ctx context.Context) (*session, error) {
	s := &session{}
	options := b.options
	options.ReconnectedCB = func(*nats.Conn) { s.denied.Store(nil) }
	options.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			s.denied.Store(&err)
		}
	}
	dialed := make(chan error, 1)
	go func() { // Connect has no context
		var err error
		s.nc, err = options.Connect()
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
				s.nc.Close()
			}
		}()
		return nil, flow.Err(ctx)
	}
	if err := b.open(ctx, s); err != nil {
		s.nc.Close()
		return nil, err
	}
	return s, nil
}

// headerRoom is what a chunk's message has besides the chunk.
const headerRoom = 1 << 10

// open finds the bucket.
func (b *bucket) open(ctx context.Context, s *session) (err error) {
	if s.js, err = jetstream.New(s.nc, jetstream.WithPublishAsyncTimeout(b.cfg.IdleTimeout)); err != nil {
		return err
	}
	if limit := s.nc.MaxPayload() - headerRoom; b.cfg.ChunkSize > limit {
		return invalid("ChunkSize", b.cfg.ChunkSize, "want no more than the server's max_payload less 1 KiB")
	}
	return b.within(ctx, s, func(ctx context.Context) error {
		if s.stream, err = s.js.Stream(ctx, b.stream); err != nil {
			return err
		}
		if s.leader, err = s.js.Stream(ctx, b.stream); err != nil {
			return err
		}
		s.leader.CachedInfo().Config.AllowDirect = false
		return nil
	})
}

// close closes the connection.
func (b *bucket) close() {
	if s := b.ready.Swap(nil); s != nil {
		s.nc.Close()
	}
}

// call sends a request: do, with the time that its answer may take. If nothing
// answers because the bucket is gone, that is the error.
func (b *bucket) call(ctx context.Context, do func(context.Context, *session) error) error {
	s, err := b.session(ctx)
	if err != nil {
		return err
	}
	b.reconnected(ctx, s)
	err = b.within(ctx, s, func(ctx context.Context) error { return do(ctx, s) })
	if !isUnanswered(err) {
		return err
	}
	return cmp.Or(b.within(ctx, s, func(ctx context.Context) error {
		_, gone := s.js.Stream(ctx, b.stream)
		return gone
	}), err)
}

// reconnected waits as long as one attempt to reconnect takes, if the connection
// was lost: a request before it would certainly fail.
func (b *bucket) reconnected(ctx context.Context, s *session) {
	ctx, cancel := context.WithTimeout(ctx, 2*b.cfg.ReconnectWait)
	defer cancel()
	changed := s.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer s.nc.RemoveStatusListener(changed)
	if s.nc.IsReconnecting() {
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// within runs do until the answer has not come in time or the connection is
// lost, which the library's own requests do not notice.
func (b *bucket) within(ctx context.Context, s *session, do func(context.Context) error) error {
	lost := s.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	defer s.nc.RemoveStatusListener(lost)
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limited, stop := context.WithTimeoutCause(limited, b.cfg.IdleTimeout, errStalled)
	defer stop()
	go func() {
		select {
		case _, ok := <-lost:
			if ok {
				cancel(errLost)
			}
		case <-limited.Done():
		}
	}()
	err := do(limited)
	if err == nil || ctx.Err() != nil || limited.Err() == nil {
		return err
	}
	if denied := s.denied.Load(); denied != nil {
		return *denied
	}
	return context.Cause(limited)
}
