package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/retry"
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
	assert.ErrorContains(t, err, "asked for twice")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
