package gcs

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// exchange passes information between an operation and the transport, in the
// context of requests. The zero value has none.
type exchange struct {
	// retry, if not nil, repeats the requests of an upload in chunks. All other
	// requests are repeated by the caller.
	retry object.Retrier

	// single is set for reads: the library requests the rest of a body that
	// breaks off, without a limit and without checking what it gets. The second
	// request fails with the error of the first one's body.
	single bool

	// pages, if not nil, records the empty pages of a listing, after which the
	// library itself requests the next one.
	pages *flow.Pages

	mu      sync.Mutex
	asked   bool
	broken  error
	session string // the URL at which an upload continues
}

type exchangeKey struct{}

func (x *exchange) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// begin is called before a request is sent.
func (x *exchange) begin() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.single && x.asked {
		if x.broken == nil {
			return errors.New("the body was requested twice")
		}
		return x.broken
	}
	x.asked = true
	return nil
}

// answered is called with a response before the library sees it.
func (x *exchange) answered(op operation, resp *http.Response) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.single {
		resp.Body = &watched{ReadCloser: resp.Body, x: x}
	}
	if op == opBegin && resp.StatusCode < 300 {
		x.session = resp.Header.Get("Location") // checked by checkSession
	}
}

func (x *exchange) sessionURL() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.session
}

// watched is a body that records its error in x.
type watched struct {
	io.ReadCloser
	x *exchange
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.x.mu.Lock()
		defer w.x.mu.Unlock()
		w.x.broken = err
	}
	return n, err
}
