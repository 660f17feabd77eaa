package transport

import (
	"context"
	"crypto/sha256"
	"net/http"
	"os"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// Shared returns the transport that all callers in this process with the same options
// share. The caller must call release when it no longer needs the transport, and may call
// it again. The last release closes the idle connections. Clients of ten thousand
// databases in one bucket thereby share connections, their limits, and certificates.
//
// If the content of the CABundle has changed, the options are not the same. Options with
// a Dial are not shared. If a RoundTripper is set, Shared returns that, with a release
// that does nothing. The errors are those of New.
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
		if err == nil { // otherwise New returns the error
			key.content = sha256.Sum256(pem)
		}
	}
	s, leave, err := pool.Use(key, func() (*shared, error) {
		t, err := New(opts)
		return &shared{Transport: t}, err
	})
	if err != nil {
		return nil, nil, err
	}
	return s, func() {
		if leave() {
			s.CloseIdleConnections()
		}
	}, nil
}

// sharedKey is Options without Dial.
type sharedKey struct {
	maxConns, maxIdleConns int
	timeouts               [3]int64
	insecure               bool
	bundle                 string
	content                [sha256.Size]byte
}

var pool flow.Shared[sharedKey, *shared]

// shared is a transport with what its users have in common.
type shared struct {
	*http.Transport
	mu     sync.Mutex
	values map[string]any
}

// Share returns the value that all clients with the transport t share under a key, such as
// credentials; the first client makes it with build. If t comes from Shared, the value is
// kept as long as t. With any other transport, each client has a value of its own. build must
// not call Share.
func Share[T any](t http.RoundTripper, key string, build func() T) T {
	s, ok := t.(*shared)
	if !ok {
		return build()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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

// Once returns the result of ask for a question about a service with the same answer for all
// clients of the transport t, such as the region of a bucket. If t comes from Shared, one
// client at a time calls ask, and its result is kept for the others, as long as t. Errors are
// not kept. With any other transport, each client calls ask.
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
