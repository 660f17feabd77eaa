package transport

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A peer that accepts and then says nothing is a timeout of the network, which
// may not pass for the caller's.
func TestHandshakeTimeout(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()

	d := &dialer{plain: new(net.Dialer).DialContext, tls: &tls.Config{}, handshake: 20 * time.Millisecond, idle: time.Hour}
	_, err = d.dialTLS(t.Context(), "tcp", listener.Addr().String())
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout())
	assert.NotErrorIs(t, err, context.DeadlineExceeded)

	d.handshake = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = d.dialTLS(ctx, "tcp", listener.Addr().String())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
