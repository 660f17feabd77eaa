package transport

import (
	"context"
	"crypto/sha256"
	"net/http"
	"os"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
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
		s = &sharedTransport{Transport: t, key: key}
		shared.transports[key] = s
	}
	s.users++
	return s.Transport, sync.OnceFunc(s.leave), nil
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
	key    sharedKey
	users  int
	values map[string]any
}

var shared struct {
	sync.Mutex
	transports map[sharedKey]*sharedTransport
}

func (s *sharedTransport) leave() {
	shared.Lock()
	s.users--
	last := s.users == 0
	if last {
		delete(shared.transports, s.key)
	}
	shared.Unlock()
	if last {
		s.CloseIdleConnections()
	}
}

// Share returns the value that all clients with the transport t have in common under a key, such as
// their credentials; build makes the first one's. Over a transport from Shared the value stays
// until the last client releases the transport. Over any other transport, each client has
// a value of its own. build must not call Share.
func Share[T any](t http.RoundTripper, key string, build func() T) T {
	shared.Lock()
	defer shared.Unlock()
	for _, s := range shared.transports {
		if s.Transport != t {
			continue
		}
		value, ok := s.values[key].(T)
		if !ok {
			value = build()
			if s.values == nil {
				s.values = make(map[string]any)
			}
			s.values[key] = value
		}
		return value
	}
	return build()
}

// Once returns the answer of ask to a question about a service that is the same for all clients
// with the transport t, such as where a bucket is. Over one from Shared a single client asks at
// a time, and what it has found holds for all others, until the last one releases the
// transport. An error is not kept. Over any other transport, each asks by itself.
func Once(ctx context.Context, t http.RoundTripper, question string, ask func(context.Context) (string, error)) (string, error) {
	answer := Share(t, question, func() *flow.Lazy[string] { return new(flow.Lazy[string]) })
	text, err := answer.Get(ctx, func(ctx context.Context) (*string, error) {
		text, err := ask(ctx)
		return &text, err
	})
	if err != nil {
		return "", err
	}
	return *text, nil
}
