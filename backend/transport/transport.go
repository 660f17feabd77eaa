// Package transport builds the HTTP transport of the backends that speak to a
// service.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second

	// keepAlive finds out that a peer has vanished while nothing is sent.
	keepAlive = 15 * time.Second

	// continueTimeout is how long a request that asks first waits for leave:
	// a service that refuses a large body says so before it is sent, and one
	// that knows nothing of asking costs a second.
	continueTimeout = time.Second
)

// Options sizes a transport. No field has a default here: 0 means what
// net/http means by it, mostly "no bound".
type Options struct {
	// MaxConns bounds the connections to one host.
	MaxConns int

	// MaxIdleConns is how many are kept for the next request, to one host as
	// in all. net/http keeps 2 of a host if not told otherwise, so that nearly
	// every parallel request costs a handshake.
	MaxIdleConns int

	// IdleConnTimeout is for how long they are kept, and no longer than the
	// longer of the two timeouts below.
	IdleConnTimeout time.Duration

	// ResponseTimeout is how long a request that was sent may wait for the
	// header of its answer.
	ResponseTimeout time.Duration

	// IdleTimeout is how long a request being sent, or an answer being
	// received, may make no progress. An answer that has not begun has the
	// ResponseTimeout, if that is longer.
	IdleTimeout time.Duration

	// Dial makes the connections. Nil means a net.Dialer, with a timeout.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool

	// CABundle is a file of PEM certificates that are trusted instead of the
	// system's. Empty means the system's.
	CABundle string
}

// New returns a transport. Nothing limits how long a whole request takes: a
// large body takes what it takes. Proxies are those of the environment.
//
// It speaks HTTP/1.1 only. S3 has nothing else, and where HTTP/2 is offered it
// would put all parallel transfers on one connection: one congestion window
// for all of them, and one lost connection fails them all.
//
// The error of a bundle that cannot be read, or holds no certificate, names
// the file. It matches no kind: a missing bundle is no missing file.
func New(opts Options) (*http.Transport, error) {
	var roots *x509.CertPool
	if opts.CABundle != "" {
		var err error
		if roots, err = Pool(opts.CABundle); err != nil {
			return nil, err
		}
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	secure := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: opts.InsecureSkipVerify, RootCAs: roots}
	if opts.Dial == nil {
		opts.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext
	}
	d := &dialer{
		plain:     opts.Dial,
		tls:       secure,
		handshake: handshakeTimeout,
		idle:      opts.IdleTimeout,
		response:  opts.ResponseTimeout,
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           d.dial,
		DialTLSContext:        d.dialTLS,
		TLSClientConfig:       secure, // with a proxy, where DialTLSContext is not asked
		TLSHandshakeTimeout:   handshakeTimeout,
		DisableCompression:    true, // an object is delivered as it was stored
		MaxConnsPerHost:       opts.MaxConns,
		MaxIdleConns:          opts.MaxIdleConns,
		MaxIdleConnsPerHost:   opts.MaxIdleConns,
		IdleConnTimeout:       opts.IdleConnTimeout,
		ResponseHeaderTimeout: opts.ResponseTimeout,
		ExpectContinueTimeout: continueTimeout,
		Protocols:             &protocols,
	}, nil
}

// Pool returns the certificates of a PEM file. Its errors are those of New.
func Pool(bundle string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("CA bundle: %v", err) // not %w, see New
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA bundle: %s holds no certificate in PEM form", bundle)
	}
	return pool, nil
}

// Default returns a transport for a backend without settings of its own: up to
// 64 connections, half of which stay for a minute of idleness, and a minute for
// an answer to begin and for a body to make progress.
func Default() *http.Transport {
	t, err := New(Options{MaxConns: 64, MaxIdleConns: 32, IdleConnTimeout: time.Minute, ResponseTimeout: time.Minute, IdleTimeout: time.Minute})
	if err != nil { // only a CA bundle can fail
		panic(err)
	}
	return t
}
