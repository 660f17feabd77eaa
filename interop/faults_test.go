package interop_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/verify"
	"github.com/ltxstore/ltxstore/wrap"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/retry"
	"github.com/ltxstore/ltxstore/wrap/throttle"
)

var (
	soak = flag.Duration("soak", 0, "run the tests with faults for so long each")
	seed = flag.Uint64("seed", 0, "the seed of the faults; 0 is another one each time")
)

// rate is how many requests of 100 fail.
const rate = 5

// chaos fails requests at random, the same ones for the same seed and order.
type chaos struct {
	mu   sync.Mutex
	rand *rand.Rand
	off  bool
	did  map[string]int
}

func newChaos(t *testing.T) *chaos {
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	c := &chaos{rand: rand.New(rand.NewPCG(from, 0)), did: make(map[string]int)}
	t.Cleanup(func() { t.Logf("faults of -seed %d: %v", from, c.counts()) })
	return c
}

// next says whether something fails now, and how: as one of n.
func (c *chaos) next(n int) (which int, fails bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n), !c.off && c.rand.IntN(100) < rate
}

func (c *chaos) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did[what]++
}

func (c *chaos) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
}

func (c *chaos) counts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.did)
}

// wireFaults are what happens on the way to a service and back.
var wireFaults = []struct {
	name string
	do   httpfault.Effect
}{
	{"503", httpfault.Status(http.StatusServiceUnavailable, nil, "")},
	{"500", httpfault.Status(http.StatusInternalServerError, nil, "")},
	{"page of a proxy", httpfault.HTML(http.StatusBadGateway)},
	{"refused", httpfault.Refuse()},
	{"reset before", httpfault.Reset()},
	{"answer lost", httpfault.LoseAnswer()},
	{"reset in the answer", httpfault.ResetAfter(150)},
	{"answer cut", httpfault.Truncate(5000)},
	{"answer stalls", httpfault.StallAfter(100)},
}

// inFrontOf serves a server with faults.
func (c *chaos) inFrontOf(t *testing.T, server http.Handler) (endpoint string) {
	t.Helper()
	layer := httpfault.New(server)
	layer.Add(&httpfault.Rule{Times: -1, Do: func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		which, fails := c.next(len(wireFaults))
		if !fails {
			x.Next.ServeHTTP(w, r)
			return
		}
		c.note(wireFaults[which].name)
		wireFaults[which].do(x, w, r)
	}})
	web := httptest.NewUnstartedServer(layer)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.Start()
	t.Cleanup(func() {
		layer.Clear()
		web.CloseClientConnections()
		web.Close()
	})
	return web.URL
}

// through is a server elsewhere. The host of a request stays: it is signed.
func through(t *testing.T, endpoint string) http.Handler {
	t.Helper()
	to, err := url.Parse(endpoint)
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		Transport: transport,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

// chunksOnce is what fake-gcs-server lacks: a chunk that it has stored it
// appends again when it is sent again, where the service ignores it, and does
// not compare the CRC-32C that comes with the last.
type chunksOnce struct {
	next http.Handler

	mu      sync.Mutex
	answers map[string]*httptest.ResponseRecorder // by session and range
}

func (o *chunksOnce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	span := r.Header.Get("Content-Range")
	if span == "" {
		o.next.ServeHTTP(w, r)
		return
	}
	chunk, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // a chunk that breaks off is not appended
	}
	r.Body = io.NopCloser(bytes.NewReader(chunk))

	o.mu.Lock()
	defer o.mu.Unlock()
	key := r.URL.Query().Get("upload_id") + " " + span
	answer := o.answers[key]
	if answer == nil {
		answer = httptest.NewRecorder()
		o.next.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
		if o.answers == nil {
			o.answers = make(map[string]*httptest.ResponseRecorder)
		}
		if answer.Code < 300 {
			o.answers[key] = answer
		}
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// impatient is how a client meets faults that come often.
var impatient = ltxstore.Retry{MaxAttempts: 12, BaseDelay: 2 * time.Millisecond, MaxDelay: 100 * time.Millisecond}

// TestFaults replicates over a wire on which one request in twenty fails: see
// underFaults.
func TestFaults(t *testing.T) {
	for name, start := range map[string]func(testing.TB, bool) *servers.Server{"versitygw": servers.Versitygw, "minio": servers.MinIO} {
		t.Run("s3 on "+name, func(t *testing.T) {
			t.Parallel()
			server := start(t, false)
			bucket := server.NewBucket(t)
			c := newChaos(t)
			cfg := (&space{server: server, bucket: bucket}).config("backups/db")
			cfg.Endpoint = c.inFrontOf(t, through(t, server.Endpoint))
			cfg.Retry, cfg.HTTP.IdleTimeout, cfg.HTTP.ResponseTimeout = impatient, time.Second, 3*time.Second
			underFaults(t, c, func() ltxstore.ReplicaClient { return s3.NewReplicaClient(cfg) })

			left, err := bucket.Keys(t.Context(), "")
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
	for name, start := range map[string]func(*testing.T) http.Handler{
		"the strict server": func(*testing.T) http.Handler { return gcsfake.New(gcsfake.Options{}, gcsBucket) },
		"fake-gcs-server":   func(t *testing.T) http.Handler { return &chunksOnce{next: through(t, newGCSServer(t).url)} },
	} {
		t.Run("gcs on "+name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			c := newChaos(t)
			cfg := gcs.Config{Bucket: gcsBucket, Path: "backups/db", Transfer: object.Options{PartSize: 256 << 10}}
			cfg.Endpoint = c.inFrontOf(t, server)
			cfg.Retry, cfg.HTTP.IdleTimeout, cfg.HTTP.ResponseTimeout = impatient, time.Second, 3*time.Second
			underFaults(t, c, func() ltxstore.ReplicaClient { return gcs.NewReplicaClient(cfg) })

			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/storage/v1/b/"+gcsBucket+"/o", nil))
			assert.Equal(t, http.StatusOK, answer.Code)
			assert.NotContains(t, answer.Body.String(), `"name"`, "what is left")
		})
	}
	// A disk has no wire: what fails is the calls, below the wrapper that
	// repeats them.
	t.Run("file, repeated", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "replica")
		c := newChaos(t)
		underFaults(t, c, func() ltxstore.ReplicaClient {
			return retry.New(&flaky{client(t, "default", dir), c}, retry.Config{Retry: impatient})
		})
	})
	t.Run("file, compressed in encrypted in throttled in repeated", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "replica")
		identity, err := age.GenerateX25519Identity()
		require.NoError(t, err)
		keys := crypt.Config{Recipients: []string{identity.Recipient().String()}, Identities: []crypt.Identity{crypt.Identity(identity.String())}}
		up := int64(50 << 20)
		c := newChaos(t)
		underFaults(t, c, func() ltxstore.ReplicaClient {
			return wrap.Chain(&flaky{client(t, "default", dir), c},
				wrap.With(compress.New, compress.Config{}), wrap.With(crypt.New, keys),
				wrap.With(throttle.New, throttle.Config{Limits: throttle.Limits{Upload: &up}}), wrap.With(retry.New, retry.Config{Retry: impatient}))
		})
	})
}

// underFaults replicates a database that several connections write to, restarts
// the engine in the middle, and restores ten moments, through clients whose
// requests fail: with Litestream's restore, and with ours to the same bytes.
// With -soak there are as many moments as fit.
func underFaults(t *testing.T, c *chaos, open func() ltxstore.ReplicaClient) {
	closing := func(client ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		t.Cleanup(func() { assert.NoError(t, ltxstore.Close(client)) })
		if setter, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
			setter.SetLogger(nil)
		}
		return client
	}
	r := start(t, closing(open()), func(cfg *engine.Config) {
		cfg.SnapshotRetention = 2 * time.Second // level 0 keeps what these lose
	})
	const moments = 10
	for began := time.Now(); len(r.marks) < moments || time.Since(began) < *soak; {
		r.mark(t)
		if len(r.marks)%moments == moments/2 {
			require.NoError(t, r.engine.Close(t.Context()))
			r.open(t)
		}
	}
	r.compacted(t, r.marks[0].TXID, 1, 2, ltxstore.SnapshotLevel)
	r.stop(t)

	reader, out := closing(open()), t.TempDir()
	targets, contents := r.targets()
	step := max(1, len(targets)/(2*moments))
	for i := len(targets) - 1; i >= 0; i -= step {
		theirs, ours := filepath.Join(out, fmt.Sprintf("theirs-%d.db", i)), filepath.Join(out, fmt.Sprintf("ours-%d.db", i))
		require.NoError(t, engine.Restore(t.Context(), reader, theirs, targets[i], nil))
		_, err := restore.Run(t.Context(), reader, ours, restore.Config{
			Target: restore.Target{TXID: targets[i].TXID, Before: targets[i].Time}, Check: dbcheck.Integrity,
		})
		require.NoError(t, err)
		require.NoError(t, dbcheck.CompareBytes(theirs, ours))
		got, err := dbcheck.ReadFile(t.Context(), ours)
		require.NoError(t, err)
		require.NoError(t, contents[i].Check(got), "%v of %v", targets[i], r.marks)
	}
	report, err := verify.Run(t.Context(), reader, verify.Config{})
	require.NoError(t, err)
	assert.True(t, report.OK(), "%v", report.Findings)

	total := 0
	for _, n := range c.counts() {
		total += n
	}
	assert.Greater(t, total, 10, "too few faults to mean anything")
	c.stop()
	require.NoError(t, reader.DeleteAll(t.Context()))
}

// flaky fails calls at random: before they do anything, after they have done it,
// and in the middle of a body.
type flaky struct {
	ltxstore.ReplicaClient
	chaos *chaos
}

var errFlaky = fmt.Errorf("told to fail: %w", ltxstore.ErrUnavailable)

// around calls f, or fails before it, or after it.
func (f *flaky) around(what string, call func() error) error {
	which, fails := f.chaos.next(2)
	if fails && which == 0 {
		f.chaos.note(what + " not done")
		return errFlaky
	}
	if err := call(); err != nil {
		return err
	}
	if fails {
		f.chaos.note(what + " done")
		return errFlaky
	}
	return nil
}

func (f *flaky) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (it ltx.FileIterator, err error) {
	if _, fails := f.chaos.next(1); fails {
		f.chaos.note("list")
		return nil, errFlaky
	}
	return f.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
}

func (f *flaky) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (info *ltx.FileInfo, err error) {
	err = f.around("write", func() (err error) {
		info, err = f.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
		return err
	})
	return info, err
}

func (f *flaky) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return f.around("delete", func() error { return f.ReplicaClient.DeleteLTXFiles(ctx, files) })
}

func (f *flaky) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	which, fails := f.chaos.next(2)
	if fails && which == 0 {
		f.chaos.note("open")
		return nil, errFlaky
	}
	rc, err := f.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil || !fails {
		return rc, err
	}
	f.chaos.note("body cut")
	return &cutBody{rc, io.LimitReader(rc, 2000)}, nil
}

// cutBody is a body that breaks.
type cutBody struct {
	io.Closer
	r io.Reader
}

func (c *cutBody) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err == io.EOF {
		err = errFlaky
	}
	return n, err
}
