// Package transport has what backends for HTTP services share: the transport and its
// options, checks of responses, and errors. Package
// [github.com/ltxstore/ltxstore/backend/object] implements their clients.
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

	// keepAlive detects that a peer has vanished while nothing is sent.
	keepAlive = 15 * time.Second

	// continueTimeout is how long a request with "Expect: 100-continue" waits: a
	// service can reject a large body before it is sent, and one that does not
	// support it costs a second.
	continueTimeout = time.Second
)

// Options configure the connections to a service. They are part of a backend's Config,
// where a zero field means the default: see WithDefaults. New adds no defaults: a zero
// field then has its meaning in net/http, usually "no limit".
type Options struct {
	// InsecureSkipVerify accepts any TLS certificate: for tests.
	InsecureSkipVerify bool `ltx:"skip-verify,not=ca-bundle" default:"false" help:"Accept any TLS certificate: for tests."`

	// CABundle is a file with PEM certificates that are trusted instead of the
	// system's.
	CABundle string `ltx:"ca-bundle" default:"the system's" help:"A file with PEM certificates that are trusted instead of the system's."`

	// RoundTripper, if not nil, sends the requests. The other options do not apply
	// to it, and CABundle must be empty.
	RoundTripper http.RoundTripper `ltx:"-" json:"-"`

	// MaxConns limits the connections to a host; 0 means no limit. MaxIdleConns
	// is how many idle ones are kept for later requests; 0 means as many as the
	// client can use. (By default, net/http keeps 2 per host, so that nearly every
	// concurrent request costs a handshake.) IdleConnTimeout is how long they are
	// kept; 0 means 90 s.
	MaxConns        int           `ltx:"max-conns" default:"no limit" help:"Connections to the service at a time."`
	MaxIdleConns    int           `ltx:"max-idle-conns" default:"as many as the concurrencies can use" help:"Idle connections that are kept for later requests."`
	IdleConnTimeout time.Duration `ltx:"idle-conn-timeout" default:"90s" help:"How long they are kept."`

	// IdleTimeout is how long sending a request, or receiving a response, may make
	// no progress. ResponseTimeout is how long a request may wait for the header of
	// its response. 0 means one minute. The duration of a whole transfer is not
	// limited.
	IdleTimeout     time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a transfer may make no progress."`
	ResponseTimeout time.Duration `ltx:"response-timeout" default:"1m" help:"How long a request may wait for the start of its response."`

	// Dial makes the connections. Nil means a net.Dialer, with a timeout.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `ltx:"-" json:"-"`
}

// WithDefaults returns o with defaults in place of zero fields, for a client that sends
// that many requests at a time.
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

// Check returns an error if the options, in the field HTTP of a backend's Config, are
// invalid in a way that their tags do not express. It reads the CABundle.
func (o Options) Check(backendType string) error {
	if o.CABundle != "" && o.RoundTripper != nil {
		return backend.Invalid(backendType, "init", "HTTP.CABundle", o.CABundle, "want it empty with a RoundTripper, which has its own certificates")
	}
	return CheckBundle(backendType, "HTTP.CABundle", o.CABundle)
}

// New returns a transport. It does not limit the duration of a whole request, because a
// large body may take any time. It uses the proxies of the environment.
//
// It uses only HTTP/1.1. S3 supports nothing else, and HTTP/2 would put all concurrent
// transfers on one connection, with one congestion window for all of them, and a lost
// connection would fail them all.
//
// If the CABundle cannot be read or contains no certificate, the error names the file. It
// matches no kind, because a missing bundle must not be mistaken for a missing LTX file.
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
		TLSClientConfig:       secure, // for proxies, which do not use DialTLSContext
		TLSHandshakeTimeout:   handshakeTimeout,
		DisableCompression:    true, // return objects as stored
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
		return nil, fmt.Errorf("CA bundle: %s contains no PEM certificate", bundle)
	}
	return pool, nil
}

// CheckBundle reads a file with PEM certificates, which is a setting of a backend. If it
// is invalid, the error is of kind fs.ErrInvalid and names the field. If bundle is empty,
// CheckBundle returns nil.
func CheckBundle(backendType, field, bundle string) error {
	if bundle == "" {
		return nil
	}
	if _, err := Pool(bundle); err != nil {
		return backend.Invalid(backendType, "init", field, bundle, "want a file with PEM certificates: "+err.Error())
	}
	return nil
}

// NoRedirect is a CheckRedirect function for an http.Client that does not follow redirects:
// credentials or signatures would be sent to the new address.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Default returns a transport for a backend without its own settings: up to 64
// connections, half of which are kept for a minute when idle, and one minute for a
// response to start and for a body to make progress.
func Default() *http.Transport {
	t, err := New(Options{MaxConns: 64, MaxIdleConns: 32, IdleConnTimeout: time.Minute, ResponseTimeout: time.Minute, IdleTimeout: time.Minute})
	if err != nil { // only a CA bundle can fail
		panic(err)
	}
	return t
}
