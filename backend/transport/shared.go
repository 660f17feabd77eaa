package transport

import (
	"crypto/sha256"
	"net/http"
	"os"
	"sync"
)

// Shared returns the one transport of this process that has these options, and
// release, which the caller calls when it no longer needs it, and may call again. The
// last to do so closes the idle connections. Clients of ten thousand databases in one
// bucket so share connections, their limits, and the certificates: a transport
// for each holds connections of its own, and a pool of certificates.
//
// A bundle whose content has changed is another. Options with a Dial are not shared.
// A RoundTripper is returned as it is; its release does nothing. Errors are New's.
func Shared(opts Options) (t http.RoundTripper, release func(), err error) {
	switch {
	case opts.RoundTripper != nil:
		return opts.RoundTripper, func() {}, nil
	case opts.Dial != nil:
		t, err := New(opts)
		if err != nil {
			return nil, nil, err
		}
		return t, t.CloseIdleConnections, nil
	}
	key := sharedKey{
		maxConns: opts.MaxConns, maxIdleConns: opts.MaxIdleConns,
		timeouts: [3]int64{int64(opts.IdleConnTimeout), int64(opts.ResponseTimeout), int64(opts.IdleTimeout)},
		insecure: opts.InsecureSkipVerify, bundle: opts.CABundle,
	}
	if opts.CABundle != "" {
		pem, err := os.ReadFile(opts.CABundle)
		if err == nil { // else New tells
			key.content = sha256.Sum256(pem)
		}
	}
	shared.Lock()
	defer shared.Unlock()
	s := shared.transports[key]
	if s == nil {
		t, err := New(opts)
		if err != nil {
			return nil, nil, err
		}
		if shared.transports == nil {
			shared.transports = make(map[sharedKey]*sharedTransport)
		}
		s = &sharedTransport{Transport: t}
		shared.transports[key] = s
	}
	s.users++
	return s.Transport, sync.OnceFunc(func() { leave(key, s) }), nil
}

// sharedKey is Options without Dial.
type sharedKey struct {
	maxConns, maxIdleConns int
	timeouts               [3]int64
	insecure               bool
	bundle                 string
	content                [sha256.Size]byte
}

type sharedTransport struct {
	*http.Transport
	users int
}

var shared struct {
	sync.Mutex
	transports map[sharedKey]*sharedTransport
}

func leave(key sharedKey, s *sharedTransport) {
	shared.Lock()
	s.users--
	last := s.users == 0
	if last {
		delete(shared.transports, key)
	}
	shared.Unlock()
	if last {
		s.CloseIdleConnections()
	}
}
