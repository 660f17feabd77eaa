package gcs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/internal/transport"
)

// roundTripper is the one layer of retries: it repeats a request that failed,
// where its body can be sent again, and nothing else does. Retry-After is
// honoured, which the library does not.
//
// An answer that is not an object's content is read whole here, so that one
// that breaks off is repeated like any other failure.
type roundTripper struct {
	next   http.RoundTripper
	policy retry.Policy
}

// maxAnswer is how large an answer may be that is read whole. A page of 1000
// files has less than a megabyte.
const maxAnswer = 64 << 20

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if err := x.begin(); err != nil {
		closeBody(req)
		return nil, err
	}
	policy := t.policy
	if x.once || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		policy.MaxAttempts = 1
	}
	var resp *http.Response
	tried := false
	err := policy.Do(req.Context(), func(context.Context) error {
		try, err := again(req, tried)
		if err != nil {
			return err
		}
		tried = true
		resp, err = t.send(try)
		return err
	})
	if !tried {
		closeBody(req)
	}
	var refused *googleapi.Error
	if errors.As(err, &refused) && req.Context().Err() == nil {
		err = nil // the library makes its error of the answer
	}
	if err != nil {
		return nil, err
	}
	x.answered(resp)
	return resp, nil
}

// again returns the request as it is sent: with its body from the beginning.
func again(req *http.Request, tried bool) (*http.Request, error) {
	if !tried || req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = body
	return req, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// send returns an answer. One that may be another when the request is sent
// again comes with its error.
func (t *roundTripper) send(req *http.Request) (*http.Response, error) {
	media := req.Method == http.MethodGet && req.URL.Query().Get("alt") == "media"
	if media {
		// The stored bytes, not what decompressing them would make of them
		// (decompressive transcoding). The library refuses this header.
		req = req.Clone(req.Context())
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		if transport.IsBroken(err) {
			err = fmt.Errorf("%w: %w", ltxstore.ErrUnavailable, err)
		}
		return nil, err
	}
	if media && resp.StatusCode < 300 {
		if !describesObject(resp.Header) {
			resp.Body.Close()
			return nil, errForeign
		}
		return resp, nil
	}
	content, err := readAnswer(resp.Body, maxAnswer)
	if err != nil {
		return nil, err
	}
	if isForeign(req, resp, content) {
		return nil, errForeign
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	if err := googleapi.CheckResponseWithBody(resp, content); err != nil && retryable(err) {
		return resp, retryAfter(err, time.Now())
	}
	if isError(content) && resp.StatusCode < 300 {
		return nil, fmt.Errorf("%w: service answered %s with an error: %.200s", ltxstore.ErrUnavailable, resp.Status, content)
	}
	return resp, checkChunk(req, resp)
}

// errForeign is that of an answer of success that is none of the service's: a
// proxy's page, or nothing at all. The library would take the page for a file,
// and either for the answer to a deletion.
var errForeign = fmt.Errorf("%w: something else than the service answered", ltxstore.ErrUnavailable)

// describesObject reports that an answer has at least one of the headers that
// come with an object's content.
func describesObject(header http.Header) bool {
	return header.Get("X-Goog-Generation") != "" || header.Get("ETag") != "" || header.Get("Last-Modified") != ""
}

// isForeign knows a page, and an answer without the content that it should
// have. A deletion has none, nor has that of a session before its end.
func isForeign(req *http.Request, resp *http.Response, content []byte) bool {
	switch {
	case resp.StatusCode != http.StatusOK:
		return false
	case len(content) > 0:
		return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	}
	return req.Method != http.MethodDelete && resp.Header.Get("Location") == "" && resp.Header.Get("X-Http-Status-Code-Override") == ""
}

// isError reports that a JSON document is an error. The library would take one
// with a status of success for an object, or for a listing, without anything
// in it: the end of the files.
func isError(content []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(content), []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimSpace(rest), []byte(`"error"`))
}

// checkChunk looks at the answer to a chunk that is not an upload's last. The
// library takes any success for one, and does not look at how much of the
// chunk the service has stored: it would wait for ever, or go on at a wrong
// offset. To send the chunk again is right in both cases.
func checkChunk(req *http.Request, resp *http.Response) error {
	span, open := strings.CutSuffix(strings.TrimPrefix(req.Header.Get("Content-Range"), "bytes "), "/*")
	if !open || resp.StatusCode >= 300 {
		return nil
	}
	if override := resp.Header.Get("X-Http-Status-Code-Override"); override != "308" {
		return fmt.Errorf("%w: service answered a chunk in the middle of an upload as if it were the last", ltxstore.ErrUnavailable)
	}
	_, last, _ := strings.Cut(span, "-")
	stored, told := strings.CutPrefix(resp.Header.Get("Range"), "bytes=0-")
	if told && stored != last {
		return fmt.Errorf("%w: service has stored a chunk up to byte %s of %s", ltxstore.ErrUnavailable, stored, last)
	}
	return nil
}

func readAnswer(body io.ReadCloser, limit int64) ([]byte, error) {
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("server's answer is longer than %d bytes", limit)
	}
	return content, err
}

// exchange is what an operation and the transport tell each other, through the
// context of requests. nil tells nothing.
type exchange struct {
	// once keeps the transport from repeating a request: somebody else does.
	once bool

	// single is for a body that is read: the library asks for the rest of one
	// that breaks, without a bound and without looking at what it gets. The
	// second request fails with what the first one's body failed with.
	single bool

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

// answered is called with an answer before anybody else sees it.
func (x *exchange) answered(resp *http.Response) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.single {
		resp.Body = &watched{ReadCloser: resp.Body, x: x}
	}
	if session := resp.Header.Get("Location"); session != "" && resp.StatusCode < 300 {
		x.session = session
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
