package servers

import (
	"crypto/ed25519"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// SSH is an SFTP server. What it stores is in Dir, whose path is also the one
// on the server.
type SSH struct {
	Address        string
	User, Password string
	HostKey        string // as in an authorized_keys file
	Dir            string
}

// SFTP starts an SFTP server in this process, which ends with the test.
func SFTP(tb testing.TB) *SSH {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	s := &SSH{User: "replica", Password: secretKey, HostKey: string(ssh.MarshalAuthorizedKey(signer.PublicKey())), Dir: tb.TempDir()}
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if string(given) != s.Password {
			return nil, errors.New("wrong password")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Address = listener.Addr().String()
	var running sync.WaitGroup
	var mu sync.Mutex
	conns := make(map[net.Conn]bool)
	tb.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			running.Go(func() {
				serveSSH(conn, config)
				mu.Lock()
				defer mu.Unlock()
				delete(conns, conn)
			})
		}
	})
	return s
}

// serveSSH serves one connection's channels.
func serveSSH(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	up, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer up.Close()
	go ssh.DiscardRequests(requests)
	for open := range channels {
		channel, requests, err := open.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		server, err := sftp.NewServer(channel)
		if err != nil {
			return
		}
		go func() {
			_ = server.Serve()
			channel.Close()
		}()
	}
}
