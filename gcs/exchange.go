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

// exchange is what an operation and the transport tell each other, through the
// context of requests. The zero value tells nothing.
type exchange struct {
	// retry repeats the requests, if it is not nil: those of an upload in
	// chunks. All others are repeated by the caller.
	retry object.Retrier

	// single is for a body that is read: the library asks for the rest of one
	// that breaks, without a bound and without looking at what it gets. The
	// second request fails with what the first one's body failed with.
	single bool

	// pages, if not nil, is told of each empty page of a listing: the library goes on
	// by itself after it.
	pages *flow.Pages

	mu      sync.Mutex
	asked   bool
	broken  error
	session string // where an upload goes on
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
			return errors.New("the body was asked for twice")
		}
		return x.broken
	}
	x.asked = true
	return nil
}

// answered is called with an answer before the library sees it.
func (x *exchange) answered(op operation, resp *http.Response) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.single {
		resp.Body = &watched{ReadCloser: resp.Body, x: x}
	}
	if op == opBegin && resp.StatusCode < 300 {
		x.session = resp.Header.Get("Location") // which was checked
	}
}

func (x *exchange) sessionURL() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.session
}

// watched remembers what a body failed with.
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
