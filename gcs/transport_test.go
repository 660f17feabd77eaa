package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// answers is a RoundTripper that gives one answer after the other.
type answers struct {
	list   []func(*http.Request) (*http.Response, error)
	bodies []string
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body.Close()
		body = string(b)
	}
	a.bodies = append(a.bodies, body)
	next := a.list[min(len(a.bodies), len(a.list))-1]
	return next(req)
}

func answering(status int, header http.Header, body string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header,
			Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	}
}

// waits makes a policy whose clock notes what it is asked to wait for.
//
// It returns the context of an upload's request.
func waits(t *testing.T, policy retry.Policy) (context.Context, *[]time.Duration) {
	var noted []time.Duration
	policy.After = func(d time.Duration) <-chan time.Time {
		noted = append(noted, d)
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}
	return (&exchange{retry: uploads{policy}}).context(t.Context()), &noted
}

// uploads is an object.Retrier.
type uploads struct{ policy retry.Policy }

func (u uploads) Do(ctx context.Context, op func(context.Context) error) error {
	return u.policy.Do(ctx, func(ctx context.Context) error {
		err := op(ctx)
		if err == nil {
			return nil
		}
		return &retry.AfterError{Err: err, Delay: (&bucket{}).Classify(err).RetryAfter}
	})
}

// Retry-After is a floor below the wait, and a body is sent whole each time.
func TestRoundTripRetryAfter(t *testing.T) {
	ctx, noted := waits(t, retry.Policy{MaxAttempts: 5, BaseDelay: time.Millisecond, MaxDelay: time.Millisecond, Retryable: retryable})
	next := &answers{list: []func(*http.Request) (*http.Response, error){
		answering(429, http.Header{"Retry-After": {"7"}}, ""),
		answering(503, http.Header{"Retry-After": {"2"}}, `{"error":{"code":503}}`),
		answering(403, nil, `{"error":{"code":403,"errors":[{"reason":"rateLimitExceeded"}]}}`),
		answering(200, nil, `{"kind":"storage#object"}`),
	}}
	rt := &roundTripper{next: next}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://h/", bytes.NewReader([]byte("a chunk")))
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	require.Len(t, *noted, 3)
	assert.Equal(t, 7*time.Second, (*noted)[0])
	assert.Equal(t, 2*time.Second, (*noted)[1])
	assert.Less(t, (*noted)[2], time.Millisecond)
	assert.Equal(t, []string{"a chunk", "a chunk", "a chunk", "a chunk"}, next.bodies)
}

// The last answer is handed on, with its body, for the library to read.
func TestRoundTripGivesUp(t *testing.T) {
	ctx, noted := waits(t, retry.Policy{MaxAttempts: 3, Retryable: retryable})
	rt := &roundTripper{next: &answers{list: []func(*http.Request) (*http.Response, error){answering(503, nil, "busy")}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://h/", nil)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, 503, resp.StatusCode)
	assert.Equal(t, "busy", string(content))
	assert.Len(t, *noted, 2)
}

// A body that cannot be sent again is sent once, and closed in any case.
func TestRoundTripOfAStream(t *testing.T) {
	ctx, _ := waits(t, retry.Policy{MaxAttempts: 3, Retryable: retryable})
	next := &answers{list: []func(*http.Request) (*http.Response, error){answering(503, nil, "")}}
	rt := &roundTripper{next: next}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://h/", onlyRead{strings.NewReader("x")})
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, 503, resp.StatusCode)
	assert.Len(t, next.bodies, 1)
}

// Of an exchange that is read, a second request fails with what the first
// one's body failed with.
func TestRoundTripOfASingleExchange(t *testing.T) {
	broken := errors.New("reset")
	next := &answers{list: []func(*http.Request) (*http.Response, error){func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"X-Goog-Generation": {"1"}}, Request: req,
			Body: io.NopCloser(io.MultiReader(strings.NewReader("abc"), failing{broken}))}, nil
	}}}
	rt := &roundTripper{next: next}
	x := &exchange{single: true}
	req, err := http.NewRequestWithContext(x.context(t.Context()), http.MethodGet, "http://h/o?alt=media", nil)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.Equal(t, broken, err)
	_, err = rt.RoundTrip(req)
	assert.Equal(t, broken, err)
	assert.Len(t, next.bodies, 1)

	// A body that has ended well has no error to fail with.
	next.list[0] = answering(200, http.Header{"X-Goog-Generation": {"1"}}, "abc")
	req = req.WithContext((&exchange{single: true}).context(t.Context()))
	resp, err = rt.RoundTrip(req)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	_, err = rt.RoundTrip(req)
	assert.ErrorContains(t, err, "requested twice")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A read's success is checked as content; what is no success is the library's error.
func TestRoundTripOfAStatus(t *testing.T) {
	for _, tt := range []struct {
		status  int
		foreign bool
	}{{200, true}, {299, true}, {300, false}, {404, false}} {
		rt := &roundTripper{next: &answers{list: []func(*http.Request) (*http.Response, error){answering(tt.status, nil, "page")}}, secrets: new(scrub.Secrets)}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/b/o?alt=media", nil)
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		if tt.foreign {
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable, tt.status)
			continue
		}
		require.NoError(t, err, tt.status)
		assert.Equal(t, tt.status, resp.StatusCode)
	}
}

// An upload goes on where an answer of success says.
func TestExchangeSession(t *testing.T) {
	for _, tt := range []struct {
		op     operation
		status int
		want   string
	}{{opBegin, 200, "s"}, {opBegin, 299, "s"}, {opBegin, 300, ""}, {opBegin, 404, ""}, {opChunk, 200, ""}} {
		x := new(exchange)
		x.answered(tt.op, &http.Response{StatusCode: tt.status, Header: http.Header{"Location": {"s"}}})
		assert.Equal(t, tt.want, x.sessionURL(), tt)
	}
}

// A request that is sent again has its whole body, or what is left of it; only the whole
// can be sent again by net/http.
func TestAgain(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://h/", strings.NewReader("0123456789"))
	require.NoError(t, err)
	s := &sending{req: req}
	for _, tt := range []struct {
		skip  int64
		want  string
		whole bool
	}{{0, "0123456789", true}, {0, "0123456789", true}, {1, "123456789", false}, {10, "", false}} {
		again, err := s.again(tt.skip)
		require.NoError(t, err)
		body, err := io.ReadAll(again.Body)
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(body))
		assert.Equal(t, tt.whole, again.GetBody != nil)
	}
	_, err = s.again(11)
	assert.ErrorIs(t, err, io.EOF)
}

// The requests of a bucket's objects, and of nothing else.
func TestIsCollection(t *testing.T) {
	for path, want := range map[string]bool{
		"/storage/v1/b/bucket/o": true, "/b/bucket/o": true, "/storage/v1/b/bucket/o/k": false, "/storage/v1/b/bucket/x": false,
		"/storage/v1/x/bucket/o": false, "b/bucket/o": false, "/o": false, "": false,
	} {
		assert.Equal(t, want, isCollection(path), path)
	}
}

// Whatever says that an upload is no more is an end; a failure is told.
func TestEndSession(t *testing.T) {
	broken := errors.New("reset")
	for status, ended := range map[int]bool{499: true, 404: true, 410: true, 200: true, 204: true, 202: false, 403: false, 500: false} {
		var log bytes.Buffer
		b := &bucket{cfg: Config{}, log: new(oplog.Logger)}
		b.log.Set(slog.New(slog.NewTextHandler(&log, nil)))
		b.http = &http.Client{Transport: roundTrip(answering(status, nil, ""))}
		assert.Equal(t, ended, endSession(t.Context(), b.http, "http://h/") == nil, status)
		b.endSession(t.Context(), "key", "http://h/")
		assert.Equal(t, ended, log.Len() == 0, log.String())
	}
	client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, broken })}
	assert.ErrorIs(t, endSession(t.Context(), client, "http://h/"), broken)
	assert.Error(t, endSession(t.Context(), client, "://"))
}
