package s3

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

func quick(attempts int) func(*Config) {
	return func(cfg *Config) {
		cfg.Retry = ltxstore.Retry{MaxAttempts: attempts, BaseDelay: 1, MaxDelay: 2}
	}
}

// list lists a level.
func list(ctx context.Context, c ltxstore.ReplicaClient) error {
	it, err := c.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		return err
	}
	for it.Next() {
	}
	return it.Close()
}

// counted answers with status until it has done so times.
func counted(status, times int, requests *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		if requests.Add(1) <= int64(times) {
			w.WriteHeader(status)
			return
		}
		_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	})
}

func TestRetryAttempts(t *testing.T) {
	for _, tt := range []struct {
		status, times, max int
		want               int64
		ok                 bool
	}{
		{503, 20, 25, 21, true},
		{503, 20, 10, 10, false},
		{500, 3, 10, 4, true},
		{502, 3, 10, 4, true},
		{429, 3, 10, 4, true},
		{408, 3, 10, 4, true},
		{503, 20, 1, 1, false},
		{400, 20, 10, 1, false},
		{403, 20, 10, 1, false},
		{404, 20, 10, 10, false}, // without a code it is a proxy's
		{412, 20, 10, 1, false},
		{501, 20, 10, 1, false},
	} {
		// The SDK's own setting must not get between.
		t.Setenv("AWS_RETRY_MODE", "adaptive")
		var requests atomic.Int64
		r := replicaAt(t, counted(tt.status, tt.times, &requests), quick(tt.max))
		err := list(t.Context(), r.client(t))
		assert.Equal(t, tt.ok, err == nil, "%d: %v", tt.status, err)
		assert.Equal(t, tt.want, requests.Load(), tt.status)
	}
}

func TestEnvironmentDoesNotBoundAttempts(t *testing.T) {
	var requests atomic.Int64
	r := replicaAt(t, counted(503, 5, &requests), quick(10), func(*Config) { t.Setenv("AWS_MAX_ATTEMPTS", "2") })
	require.NoError(t, list(t.Context(), r.client(t)))
	assert.EqualValues(t, 6, requests.Load())
}

// An outage does not use up anything that later requests would need.
func TestNoBudgetIsDrained(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	var requests atomic.Int64
	r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1); down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if requests.Load()%3 != 0 { // still unsteady
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	}), quick(5))
	for range 300 {
		require.Error(t, list(t.Context(), r.client(t)))
	}
	assert.EqualValues(t, 1500, requests.Load())
	down.Store(false)
	for range 20 {
		require.NoError(t, list(t.Context(), r.client(t)))
	}
}

// A wait of five minutes ends with the context at once.
func TestWaitEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var requests atomic.Int64
	r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(300))
		w.WriteHeader(http.StatusServiceUnavailable)
	}), quick(10))
	done := make(chan error, 1)
	client := r.client(t)
	go func() { done <- list(ctx, client) }()
	require.Eventually(t, func() bool { return requests.Load() == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	select {
	case err := <-done:
		require.ErrorIs(t, err, context.Canceled)
		assert.False(t, ltxstore.IsRetryable(err))
		assert.NoError(t, ltxstore.KindOf(err))
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting")
	}
	assert.EqualValues(t, 1, requests.Load())
}

func TestNothingIsSentUnderADoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var requests atomic.Int64
	r := replicaAt(t, counted(200, 0, &requests), quick(10))
	for name, run := range operations(r) {
		assert.ErrorIs(t, run(ctx), context.Canceled, name)
	}
	assert.Zero(t, requests.Load())
}

// A clock that is wrong is found out and corrected.
func TestClockSkewIsRetried(t *testing.T) {
	var requests atomic.Int64
	ahead := time.Now().Add(time.Hour)
	r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Date", ahead.UTC().Format(http.TimeFormat))
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, xmlError("RequestTimeTooSkewed"))
			return
		}
		signed, err := time.Parse("20060102T150405Z", req.Header.Get("X-Amz-Date"))
		if assert.NoError(t, err) {
			assert.WithinDuration(t, ahead, signed, 10*time.Minute)
		}
		_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	}), quick(3))
	require.NoError(t, list(t.Context(), r.client(t)))
	assert.EqualValues(t, 2, requests.Load())
}
