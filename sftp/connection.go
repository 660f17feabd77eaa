package sftp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// answerGrace is how long a request may still be answered when its context has
// ended, before the connection, which other requests use too, is closed.
const answerGrace = 500 * time.Millisecond

// connection is the client's one connection, made again when it is lost.
type connection struct {
	cfg Config
	ssh *ssh.ClientConfig

	dialing sync.Mutex // held while it is made
	mu      sync.Mutex
	current *session // nil while there is none
}

// session is a connection that is up, as far as is known.
type session struct {
	*sftp.Client
	ssh    *ssh.Client
	done   chan struct{} // closed when it has ended
	broken atomic.Bool   // a request has found it lost
}

// get returns the session, making it if there is none.
func (c *connection) get(ctx context.Context) (*session, error) {
	c.dialing.Lock()
	defer c.dialing.Unlock()
	c.mu.Lock()
	s := c.current
	c.mu.Unlock()
	if s != nil && !s.lost() {
		return s, nil
	}
	s, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = s
	return s, nil
}

func (c *connection) dial(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.DialTimeout, os.ErrDeadlineExceeded)
	defer cancel()
	address := c.cfg.address()
	conn, err := c.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, dialError(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	up, channels, requests, err := ssh.NewClientConn(conn, address, c.ssh)
	if err != nil {
		conn.Close()
		return nil, dialError(ctx, err)
	}
	s := &session{ssh: ssh.NewClient(up, channels, requests), done: make(chan struct{})}
	concurrent := c.cfg.ConcurrentWrites == nil || *c.cfg.ConcurrentWrites
	s.Client, err = sftp.NewClient(s.ssh, sftp.UseConcurrentWrites(concurrent))
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		s.ssh.Close()
		return nil, dialError(ctx, err)
	}
	go func() {
		_ = s.Client.Wait()
		s.ssh.Close()
		close(s.done)
	}()
	go s.keepAlive(c.cfg.KeepAlive)
	return s, nil
}

// dialError adds the timeout that has closed the connection to its error.
func dialError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// keepAlive closes the session when the server stops answering.
func (s *session) keepAlive(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
		}
		timer := time.AfterFunc(every, func() { s.ssh.Close() })
		_, _, err := s.ssh.SendRequest("keepalive@openssh.com", true, nil)
		if timer.Stop(); err != nil {
			s.ssh.Close()
			return
		}
	}
}

func (s *session) lost() bool {
	select {
	case <-s.done:
		return true
	default:
		return s.broken.Load()
	}
}

// run does something on the session that cannot be cancelled: when ctx has
// ended and no answer has come for a while, the connection is closed.
func (s *session) run(ctx context.Context, do func() error) error {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	longer, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	stop := context.AfterFunc(longer, func() { s.ssh.Close() })
	defer stop()
	err := do()
	if err != nil && err != io.EOF && errors.Is(kindOf(err), ltxstore.ErrUnavailable) {
		s.broken.Store(true)
		s.ssh.Close()
	}
	return flow.Ended(ctx, err)
}

// call runs one request.
func (c *connection) call(ctx context.Context, do func(s *session) error) error {
	s, err := c.get(ctx)
	if err != nil {
		return err
	}
	return s.run(ctx, func() error { return do(s) })
}

// close closes the connection; the next call makes another.
func (c *connection) close() {
	c.mu.Lock()
	s := c.current
	c.current = nil
	c.mu.Unlock()
	if s != nil {
		s.ssh.Close()
		<-s.done
	}
}

// agentSigners returns the keys of the agent.
func agentSigners() ([]ssh.Signer, error) {
	conn, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, err
	}
	return agent.NewClient(conn).Signers() // which use the connection as long as they live
}
