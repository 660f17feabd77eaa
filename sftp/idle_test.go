package sftp

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/ltxstore/ltxstore"
)

// closable is an SSH connection that can be closed, and nothing else.
type closable struct {
	ssh.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// The idle timeout counts from the first request under way, or from what has
// arrived since; without a request it does not count.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle = 8 * time.Second
		conn := &closable{closed: make(chan struct{})}
		s := &session{ssh: &ssh.Client{Conn: conn}, done: make(chan struct{}), idle: idle, began: time.Now()}
		defer close(s.done)
		s.hear()
		go s.watch()
		answerIn := func(d time.Duration) func() error {
			return func() error {
				select {
				case <-time.After(d):
					s.hear()
					return nil
				case <-conn.closed:
					return io.ErrUnexpectedEOF
				}
			}
		}
		time.Sleep(10 * idle)
		require.False(t, s.stalled.Load(), "no request is under way")
		require.NoError(t, s.run(t.Context(), answerIn(idle)), "an answer within the timeout")
		time.Sleep(10 * idle)

		// Another request is no answer to the first.
		first := make(chan error, 1)
		go func() { first <- s.run(t.Context(), answerIn(100*idle)) }()
		time.Sleep(idle - time.Second)
		sent := time.Now()
		err := s.run(t.Context(), answerIn(100*idle))
		require.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.ErrorContains(t, err, "no response from the server for 8s")
		assert.Equal(t, time.Second+idle/8, time.Since(sent), "it is looked for eight times in that time")
		require.ErrorIs(t, <-first, ltxstore.ErrUnavailable)
	})
}

// A server that accepts a connection and says nothing is given up after
// DialTimeout, and the error says that.
func TestDialTimeout(t *testing.T) {
	s := start(t)
	c := s.client(func(cfg *Config) {
		cfg.DialTimeout, cfg.Retry.MaxAttempts = time.Millisecond, 1
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			t.Cleanup(func() { server.Close() })
			return client, nil
		}
	})
	defer c.Close()
	_, err := c.LTXLevels(t.Context())
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// A connection that cannot be made is told with its cause once.
func TestDialErrorIsReportedOnce(t *testing.T) {
	c := start(t).client(func(cfg *Config) {
		cfg.DialTimeout, cfg.Retry.MaxAttempts = time.Millisecond, 1
		cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
	})
	defer c.Close()
	_, err := c.LTXLevels(t.Context())
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Equal(t, 1, strings.Count(err.Error(), os.ErrDeadlineExceeded.Error()), "%v", err)
}

// answering is an SSH connection that answers requests in its own way.
type answering struct {
	closable
	answer func(wantReply bool) error
}

func (a *answering) SendRequest(_ string, wantReply bool, _ []byte) (bool, []byte, error) {
	return false, nil, a.answer(wantReply)
}

// A server that does not answer in time when it is asked whether it is there, or
// cannot be asked, is given up; one that answers is not.
func TestKeepAlive(t *testing.T) {
	const every = 10 * time.Second
	for name, tt := range map[string]struct {
		answer func(a *answering, wantReply bool) error
		after  time.Duration // 0: never
	}{
		"answers":       {func(*answering, bool) error { return nil }, 0},
		"answers late":  {func(*answering, bool) error { time.Sleep(every - time.Second); return nil }, 0},
		"cannot answer": {func(*answering, bool) error { return io.ErrClosedPipe }, every},
		"is silent": {func(a *answering, wantReply bool) error {
			if wantReply {
				<-a.closed
			}
			return nil
		}, 2 * every},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := &answering{closable: closable{closed: make(chan struct{})}}
				conn.answer = func(wantReply bool) error { return tt.answer(conn, wantReply) }
				s := &session{ssh: &ssh.Client{Conn: conn}, done: make(chan struct{})}
				started := time.Now()
				var asking sync.WaitGroup
				asking.Go(func() { s.keepAlive(every) })
				closed := false
				select {
				case <-conn.closed:
					closed = true
				case <-time.After(10*every + time.Second):
				}
				assert.Equal(t, tt.after > 0, closed)
				if closed {
					assert.Equal(t, tt.after, time.Since(started))
				}
				close(s.done)
				conn.Close()
				asking.Wait()
			})
		})
	}
}

// Nothing is begun for a context that has ended.
func TestEndedContextSendsNothing(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s := &session{}
	err := s.run(ended, func() error { t.Error("it is begun"); return nil })
	require.ErrorIs(t, err, context.Canceled)
}
