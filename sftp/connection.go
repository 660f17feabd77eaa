package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// answerGrace is how long to wait for a response after the context of a request has
// ended, before closing the connection, which other requests use too.
const answerGrace = 500 * time.Millisecond

// connection is the client's only connection. If it is lost, it is made again.
type connection struct {
	cfg        Config
	key        ssh.Signer // of KeyPath; nil if there is none
	hostKey    ssh.HostKeyCallback
	algorithms []string // of host keys
	ready      flow.Lazy[session]
}

// session is an established connection.
type session struct {
	*sftp.Client
	ssh     *ssh.Client
	done    chan struct{} // closed when it has ended
	lost    atomic.Bool   // it has ended, or a request found it broken
	idle    time.Duration // Config.IdleTimeout
	stalled atomic.Bool   // closed because nothing arrived for that long

	waiting atomic.Int64 // requests in progress
	began   time.Time
	heard   atomic.Int64 // how long after began data last arrived, or the first of them was sent
}

// get returns the session, and connects if there is none.
func (c *connection) get(ctx context.Context) (*session, error) {
	if s := c.ready.Load(); s != nil && s.lost.Load() {
		c.ready.CompareAndSwap(s, nil)
	}
	return c.ready.Get(ctx, c.dial)
}

func (c *connection) dial(ctx context.Context) (s *session, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.DialTimeout, os.ErrDeadlineExceeded)
	defer cancel()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
			err = errors.Join(cause, err) // the timeout that closed the connection
		}
	}()
	address := c.cfg.address()
	conn, err := c.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	up, channels, requests, err := ssh.NewClientConn(conn, address,
		&ssh.ClientConfig{User: c.cfg.User, Auth: c.auth(ctx), HostKeyCallback: c.hostKey, HostKeyAlgorithms: c.algorithms})
	if err != nil {
		conn.Close()
		return nil, err
	}
	s = &session{ssh: ssh.NewClient(up, channels, requests), done: make(chan struct{}), idle: c.cfg.IdleTimeout, began: time.Now()}
	concurrent := c.cfg.ConcurrentWrites == nil || *c.cfg.ConcurrentWrites
	err = s.start(sftp.UseConcurrentWrites(concurrent))
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		s.ssh.Close()
		return nil, err
	}
	go func() {
		_ = s.Client.Wait()
		s.lost.Store(true)
		s.ssh.Close()
		close(s.done)
	}()
	go s.keepAlive(c.cfg.KeepAlive)
	go s.watch()
	return s, nil
}

func (s *session) start(opts ...sftp.ClientOption) error {
	channel, err := s.ssh.NewSession()
	if err != nil {
		return err
	}
	in, _ := channel.StdinPipe() // cannot fail before the start
	out, _ := channel.StdoutPipe()
	if err := channel.RequestSubsystem("sftp"); err != nil {
		return err
	}
	s.Client, err = sftp.NewClientPipe(io.TeeReader(out, hearing{s}), in, opts...)
	return err
}

// hearing is an io.Writer for the data that the server sends.
type hearing struct{ *session }

func (h hearing) Write(p []byte) (int, error) {
	h.hear()
	return len(p), nil
}

func (s *session) hear() { s.heard.Store(int64(time.Since(s.began))) }

// watch closes the session if requests are in progress but nothing has arrived for
// Config.IdleTimeout. The SSH server may respond while SFTP waits for a disk.
func (s *session) watch() {
	s.every(max(s.idle/8, time.Millisecond), func() {
		if s.waiting.Load() > 0 && time.Since(s.began)-time.Duration(s.heard.Load()) > s.idle {
			s.stalled.Store(true)
			s.ssh.Close()
		}
	})
}

// keepAlive closes the session when the server stops responding.
func (s *session) keepAlive(every time.Duration) {
	s.every(every, func() {
		timer := time.AfterFunc(every, func() { s.ssh.Close() })
		defer timer.Stop()
		if _, _, err := s.ssh.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			s.ssh.Close()
		}
	})
}

// every calls do at each interval until the session ends.
func (s *session) every(interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
			do()
		}
	}
}

// run calls do, which uses the session and cannot be cancelled: if ctx ends and
// there is no response for a while, run closes the connection.
func (s *session) run(ctx context.Context, do func() error) error {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	longer, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	stop := context.AfterFunc(longer, func() { s.ssh.Close() })
	defer stop()
	if s.waiting.Add(1) == 1 {
		s.hear()
	}
	err := do()
	s.waiting.Add(-1)
	if err != nil && err != io.EOF && errors.Is(kindOf(err), ltxstore.ErrUnavailable) {
		s.lost.Store(true)
		s.ssh.Close()
		if s.stalled.Load() {
			err = fmt.Errorf("%w: no response from the server for %v: %w", ltxstore.ErrUnavailable, s.idle, err)
		}
	}
	return flow.Ended(ctx, err)
}

// finish is run for operations that must be done even if ctx has ended.
func (s *session) finish(ctx context.Context, do func() error) error {
	longer, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	return s.run(longer, do)
}

func (c *connection) call(ctx context.Context, do func(s *session) error) error {
	s, err := c.get(ctx)
	if err != nil {
		return err
	}
	return s.run(ctx, func() error { return do(s) })
}

// close closes the connection; the next call makes another.
func (c *connection) close() {
	if s := c.ready.Swap(nil); s != nil {
		s.ssh.Close()
		<-s.done
	}
}

// auth returns the ways to authenticate, valid until ctx ends. All keys are one way:
// of two public-key methods, only the first would be tried.
func (c *connection) auth(ctx context.Context) (ways []ssh.AuthMethod) {
	if c.key != nil || c.cfg.Agent {
		ways = append(ways, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return c.keys(ctx) }))
	}
	if password := c.cfg.Password; password != "" {
		ways = append(ways, ssh.Password(password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				return slices.Repeat([]string{password}, len(questions)), nil
			}))
	}
	return ways
}

// keys returns the key of KeyPath and those of the agent, whose connection ends
// with ctx.
func (c *connection) keys(ctx context.Context) (keys []ssh.Signer, err error) {
	if c.key != nil {
		keys = append(keys, c.key)
	}
	if !c.cfg.Agent {
		return keys, nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	agents, err := agent.NewClient(conn).Signers()
	return append(keys, agents...), err
}
