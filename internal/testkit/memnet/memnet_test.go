package memnet_test

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
)

// pair returns both ends of a connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l := memnet.Listen()
	dialed := make(chan net.Conn, 1)
	go func() {
		c, err := l.Dial(context.Background(), "tcp", "anywhere:1")
		assert.NoError(t, err)
		dialed <- c
	}()
	far, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return <-dialed, far
}

// A connection fails as a socket does.
func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		name        string
		linger      int
		read, write error
	}{
		{"close", -1, io.EOF, syscall.EPIPE},
		{"reset", 0, syscall.ECONNRESET, syscall.ECONNRESET},
	} {
		near, far := pair(t)
		require.NoError(t, far.(interface{ SetLinger(int) error }).SetLinger(tt.linger))
		require.NoError(t, far.Close())
		require.NoError(t, near.SetDeadline(time.Now().Add(time.Hour)), tt.name)
		require.NoError(t, near.SetReadDeadline(time.Now().Add(time.Hour)), tt.name)
		require.NoError(t, near.SetWriteDeadline(time.Now().Add(time.Hour)), tt.name)
		_, err := near.Read(make([]byte, 1))
		require.ErrorIs(t, err, tt.read, tt.name)
		_, err = near.Write([]byte("x"))
		require.ErrorIs(t, err, tt.write, tt.name)

		require.NoError(t, near.Close())
		_, err = near.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed, tt.name)
		_, err = near.Write([]byte("x"))
		require.ErrorIs(t, err, net.ErrClosed, tt.name)
		require.ErrorIs(t, near.SetDeadline(time.Now()), net.ErrClosed, tt.name)
	}
}

func TestTraffic(t *testing.T) {
	near, far := pair(t)
	go func() {
		_, err := near.Write([]byte("hello"))
		assert.NoError(t, err)
		assert.NoError(t, near.Close())
	}()
	got, err := io.ReadAll(far)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(got))
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := pair(t)
		defer far.Close()
		begin := time.Now()
		require.NoError(t, near.SetReadDeadline(begin.Add(time.Hour)))
		_, err := near.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Hour, time.Since(begin))
	})
}

func TestDialIsRefused(t *testing.T) {
	l := memnet.Listen()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Dial(ctx, "tcp", "x")
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	_, err = l.Dial(t.Context(), "tcp", "x")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	host, _, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	assert.True(t, net.ParseIP(host).IsLoopback())
}
