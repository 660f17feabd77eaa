package scale_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/chart"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ratelimit"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
)

// factor is how many databases one of the simulation stands for. The limits of the
// store are as many times smaller.
const (
	factor    = 500
	databases = 100_000 / factor
	latency   = 30 * time.Millisecond // of each request
)

// scenario is some time of 100,000 databases, each of which commits once in every
// interval and replicates it.
type scenario struct {
	store    string
	interval time.Duration
	spread   int  // partitions, buckets or accounts that the databases are spread over
	jitter   bool // else all of them sync at the same instants
	time     time.Duration
}

// scenarios are chosen so that each limit is seen from both sides.
func scenarios() []scenario {
	return []scenario{
		{"s3", time.Second, 1, true, time.Minute},
		{"s3", time.Second, 32, true, 30 * time.Second},
		{"s3", 10 * time.Second, 1, true, 2 * time.Minute},
		{"s3", 10 * time.Second, 4, false, time.Minute},
		{"s3", 10 * time.Second, 4, true, time.Minute},
		{"s3", time.Minute, 1, false, 5 * time.Minute},
		{"s3", time.Minute, 1, true, 5 * time.Minute},
		{"gcs", time.Minute, 1, true, 30 * time.Minute},
		{"gcs", time.Minute, 2, true, 5 * time.Minute},
		{"abs", time.Second, 1, true, time.Minute},
		{"abs", time.Second, 6, true, 30 * time.Second},
		{"abs", 10 * time.Second, 1, false, time.Minute},
		{"abs", 10 * time.Second, 1, true, time.Minute},
	}
}

// outcome is what became of it.
type outcome struct {
	refused  float64 // part of all requests
	lag      chart.Sorted[time.Duration]
	attempts float64 // requests for each file that was written
	late     float64 // part of all commits that were not replicated at the end
	gaveUp   int64   // writes that failed after all attempts
}

// limits are those of the service, for each part that the databases are spread over.
func limits(store string, group func(*http.Request) string) []ratelimit.Rule {
	writes := func(r *http.Request) string {
		if r.Method == http.MethodPut || r.Method == http.MethodPost {
			return group(r)
		}
		return ""
	}
	reads := func(r *http.Request) string {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return group(r)
		}
		return ""
	}
	switch store {
	case "s3":
		slowDown := httpfault.XML(http.StatusServiceUnavailable, "SlowDown")
		return []ratelimit.Rule{{Group: writes, Rate: 3500. / factor, Refuse: slowDown}, {Group: reads, Rate: 5500. / factor, Refuse: slowDown}}
	case "gcs":
		tooMany := httpfault.Throttle(0)
		return []ratelimit.Rule{
			{Group: writes, Rate: 1000. / factor, Double: 20 * time.Minute, Refuse: tooMany},
			{Group: reads, Rate: 5000. / factor, Double: 20 * time.Minute, Refuse: tooMany},
		}
	}
	busy := httpfault.Status(http.StatusServiceUnavailable, http.Header{"X-Ms-Error-Code": {"ServerBusy"}}, "")
	return []ratelimit.Rule{{Group: group, Rate: 20_000. / factor, Refuse: busy}}
}

// direct is a network without sockets.
type direct struct {
	handler  http.Handler
	requests atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	d.requests.Add(1)
	time.Sleep(latency)
	served := r.Clone(r.Context())
	served.Host, served.RequestURI = r.URL.Host, r.URL.RequestURI()
	served.Header = make(http.Header)
	for name, values := range r.Header { // as they arrive
		for _, value := range values {
			served.Header.Add(name, value)
		}
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, served)
	_ = served.Body.Close()
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// play simulates the scenario.
func (s scenario) play(t *testing.T) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		var fake http.Handler
		switch s.store {
		case "s3":
			fake = s3fake.New(s3fake.Options{}, place)
		case "gcs":
			fake = gcsfake.New(gcsfake.Options{}, place)
		case "abs":
			fake = absfake.New(absfake.Options{SAS: token}, place)
		}
		limiter := ratelimit.New(fake, limits(s.store, s.part)...)
		network := &direct{handler: limiter}
		var mu sync.Mutex
		var lags []time.Duration
		files, late := 0, 0
		ctx, cancel := context.WithTimeout(t.Context(), s.time)
		defer cancel()
		var all sync.WaitGroup
		var gaveUp atomic.Int64
		for i := range databases {
			client := s.client(fmt.Sprintf("db%06d", i), network)
			offset := time.Duration(0)
			if s.jitter { // as even as that of 100,000 is by chance
				offset = s.interval * time.Duration(i*77%databases) / databases
			}
			all.Go(func() {
				time.Sleep(offset)
				begin, next, txid := time.Now(), 0, ltx.TXID(0)
				for ctx.Err() == nil {
					// What was committed while the last file was written is one file.
					due := int(time.Since(begin)/s.interval) + 1
					if due > next {
						txid++
						if _, err := client.WriteLTXFile(ctx, 0, txid, txid, bytes.NewReader(body(t, txid))); err != nil {
							txid--
							if ctx.Err() == nil {
								gaveUp.Add(1)
							}
							continue // as the engine does, at once: the client has waited
						}
						mu.Lock()
						for files++; next < due; next++ {
							lags = append(lags, time.Since(begin)-time.Duration(next)*s.interval)
						}
						mu.Unlock()
					}
					wait(ctx, time.Duration(next)*s.interval-time.Since(begin))
				}
				mu.Lock()
				defer mu.Unlock()
				for ; time.Duration(next)*s.interval < time.Since(begin); next++ {
					late++ // and has waited at least as long
					lags = append(lags, time.Since(begin)-time.Duration(next)*s.interval)
				}
			})
		}
		all.Wait()
		require.Positive(t, files)
		n := float64(network.requests.Load())
		o = outcome{float64(limiter.Refused()) / n, chart.Of(lags), n / float64(files), float64(late) / float64(len(lags)), gaveUp.Load()}
	})
	return o
}

func wait(ctx context.Context, d time.Duration) {
	if d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
}

const (
	place = "bucket"
	token = "sig=secret"
)

// part names the prefix, bucket or account that a request is for.
func (s scenario) part(r *http.Request) string {
	at := strings.Index(r.URL.String(), "db")
	if at < 0 {
		return "all"
	}
	i, err := strconv.Atoi(r.URL.String()[at+2 : at+8])
	if err != nil {
		return "all"
	}
	return strconv.Itoa(i % s.spread)
}

func (s scenario) client(path string, network http.RoundTripper) ltxstore.ReplicaClient {
	silent := slog.New(slog.DiscardHandler)
	switch s.store {
	case "s3":
		return s3.NewReplicaClient(s3.Config{Bucket: place, Path: path, Region: "us-east-1", Endpoint: "http://127.0.0.1:1",
			AccessKeyID: "key", SecretAccessKey: "secret", HTTP: transport.Options{RoundTripper: network}, Logger: silent})
	case "gcs":
		return gcs.NewReplicaClient(gcs.Config{Bucket: place, Path: path, Endpoint: "http://127.0.0.1:1", HTTP: transport.Options{RoundTripper: network}, Logger: silent})
	}
	return abs.NewReplicaClient(abs.Config{Account: "account", Bucket: place, Path: path, Endpoint: "http://127.0.0.1:1",
		SASToken: token, HTTP: transport.Options{RoundTripper: network}, Logger: silent})
}

func body(t *testing.T, txid ltx.TXID) []byte {
	hdr := ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096, Commit: 1, MinTXID: txid, MaxTXID: txid, Timestamp: 1}
	b, err := hdr.MarshalBinary()
	require.NoError(t, err)
	return slices.Concat(b, make([]byte, 200-len(b)))
}
