// Package transport builds the HTTP transport of the backends that speak to a
// service.
package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ltxstore/ltxstore/backend"
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

// Options say how a service is reached. A backend has them in its Config, where
// a zero field means the default: see WithDefaults. New itself adds none: a zero
// field then means what it means in net/http, mostly "no bound".
type Options struct {
	// InsecureSkipVerify accepts any TLS certificate: for tests.
	InsecureSkipVerify bool `ltx:"skip-verify,not=ca-bundle" default:"false" help:"Accept any TLS certificate: for tests."`

	// CABundle is a file of PEM certificates that are trusted instead of the
	// system's.
	CABundle string `ltx:"ca-bundle" default:"the system's" help:"A file of PEM certificates that are trusted instead of the system's."`

	// RoundTripper, if not nil, sends the requests. The other options do not
	// apply to it, and it excludes a CABundle.
	RoundTripper http.RoundTripper `ltx:"-" json:"-"`

	// MaxConns limits the connections to a host; 0 means no limit. MaxIdleConns
	// is how many idle ones are kept for later requests; 0 means as many as the
	// client can use. (By default net/http keeps 2 per host, so that nearly
	// every parallel request costs a handshake.) IdleConnTimeout is how long
	// they are kept; 0 means 90 s.
	MaxConns        int           `ltx:"max-conns" default:"no bound" help:"Connections to the service at once."`
	MaxIdleConns    int           `ltx:"max-idle-conns" default:"what the concurrencies can use" help:"Connections that are kept for the next request."`
	IdleConnTimeout time.Duration `ltx:"idle-conn-timeout" default:"90s" help:"For how long they are kept."`

	// IdleTimeout is how long a request that is being sent, or an answer that
	// is being received, may make no progress. ResponseTimeout is how long a
	// request that was sent may wait for the header of its answer. 0 means one
	// minute. A whole transfer has no limit.
	IdleTimeout     time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a transfer may make no progress."`
	ResponseTimeout time.Duration `ltx:"response-timeout" default:"1m" help:"How long a request may wait for the beginning of its answer."`

	// Dial makes the connections. Nil means a net.Dialer, with a timeout.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `ltx:"-" json:"-"`
}

// WithDefaults returns o with defaults in place of zero fields, for a client that
// sends that many requests at once.
func (o Options) WithDefaults(requests int) Options {
	o.MaxIdleConns = cmp.Or(o.MaxIdleConns, requests)
	if o.MaxConns > 0 {
		o.MaxIdleConns = min(o.MaxIdleConns, o.MaxConns)
	}
	o.IdleConnTimeout = cmp.Or(o.IdleConnTimeout, 90*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, time.Minute)
	o.ResponseTimeout = cmp.Or(o.ResponseTimeout, time.Minute)
	return o
}

// Check returns what is wrong with the options of a backend of that Type, in its
// Config's field HTTP, that their tags cannot tell. It reads the CABundle.
func (o Options) Check(backendType string) error {
	if o.CABundle != "" && o.RoundTripper != nil {
		return backend.Invalid(backendType, "init", "HTTP.CABundle", o.CABundle, "want it empty beside a RoundTripper, which has its own certificates")
	}
	return CheckBundle(backendType, "HTTP.CABundle", o.CABundle)
}

// New returns a transport. There is no limit on the duration of a whole
// request, because a large body may take any time. Proxies are those of the
// environment.
//
// It speaks HTTP/1.1 only. S3 offers nothing else. HTTP/2 would put all
// parallel transfers on one connection, with one congestion window for all of
// them, and a lost connection would fail them all.
//
// The error for a bundle that cannot be read, or holds no certificate, names
// the file. It matches no kind, because a missing bundle must not pass for a
// missing LTX file.
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

// CheckBundle reads a file of PEM certificates, a setting of a backend of that Type, and
// returns what is wrong with it: an error of kind fs.ErrInvalid that names the field. An
// empty name is no file, and right.
func CheckBundle(backendType, field, bundle string) error {
	if bundle == "" {
		return nil
	}
	if _, err := Pool(bundle); err != nil {
		return backend.Invalid(backendType, "init", field, bundle, "want a file of PEM certificates: "+err.Error())
	}
	return nil
}

// NoRedirect is an http.Client's CheckRedirect that follows no redirect: credentials, or
// a signature, would go to wherever an answer points.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Default returns a transport for a backend without settings of its own: up
// to 64 connections, half of which are kept while idle for a minute, and one
// minute for an answer to begin and for a body to make progress.
func Default() *http.Transport {
	t, err := New(Options{MaxConns: 64, MaxIdleConns: 32, IdleConnTimeout: time.Minute, ResponseTimeout: time.Minute, IdleTimeout: time.Minute})
	if err != nil { // only a CA bundle can fail
		panic(err)
	}
	return t
}
