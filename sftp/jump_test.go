package sftp

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// jumpHost returns a client of an SSH server that only passes connections on, and
// how many it has passed on.
func jumpHost(t *testing.T, s *testServer) (*ssh.Client, *atomic.Int64) {
	t.Helper()
	passed := new(atomic.Int64)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, channels, requests, err := ssh.NewServerConn(conn, s.config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for open := range channels {
			var to struct {
				Host     string
				Port     uint32
				From     string
				FromPort uint32
			}
			if open.ChannelType() != "direct-tcpip" || ssh.Unmarshal(open.ExtraData(), &to) != nil {
				open.Reject(ssh.UnknownChannelType, "only connections are passed on")
				continue
			}
			onward, err := net.Dial("tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
			if err != nil {
				open.Reject(ssh.ConnectionFailed, err.Error())
				continue
			}
			channel, requests, err := open.Accept()
			if err != nil {
				onward.Close()
				return
			}
			passed.Add(1)
			go ssh.DiscardRequests(requests)
			go func() { _, _ = io.Copy(onward, channel); onward.Close() }()
			go func() { _, _ = io.Copy(channel, onward); channel.Close() }()
		}
	}()
	host, err := ssh.Dial("tcp", listener.Addr().String(), &ssh.ClientConfig{User: "u",
		Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	require.NoError(t, err)
	t.Cleanup(func() { host.Close() })
	return host, passed
}

// A server behind a jump host is reached by the host's connection, also again after
// it was lost.
func TestJumpHost(t *testing.T) {
	s := start(t)
	host, passed := jumpHost(t, s)
	c := s.client(func(cfg *Config) { cfg.Dial = host.DialContext })
	defer c.Close()
	require.NoError(t, write(t, c, "through the host"))
	require.NoError(t, c.Close())
	content, err := read(t, c)
	require.NoError(t, err)
	assert.Equal(t, "through the host", content)
	assert.EqualValues(t, 2, passed.Load())
}
