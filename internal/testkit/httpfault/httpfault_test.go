package httpfault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

const content = "0123456789abcdef"

// bench is a server that answers a GET with content, or the range that is asked
// for, and any other request with its body.
type bench struct {
	*httpfault.Layer
	url    string
	client *http.Client

	mu     sync.Mutex
	bodies []string // that the server has read whole
}

func newBench(t *testing.T, start func(*httptest.Server)) *bench {
	t.Helper()
	b := &bench{}
	b.Layer = httpfault.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			b.mu.Lock()
			b.bodies = append(b.bodies, string(body))
			b.mu.Unlock()
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}))
	server := httptest.NewUnstartedServer(b.Layer)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	start(server)
	t.Cleanup(server.Close)
	t.Cleanup(b.Clear)
	b.url, b.client = server.URL, server.Client()
	return b
}

func plain(t *testing.T, do ...httpfault.Effect) *bench {
	t.Helper()
	b := newBench(t, (*httptest.Server).Start)
	for _, effect := range do {
		b.Add(&httpfault.Rule{Times: -1, Do: effect})
	}
	return b
}

func (b *bench) served() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.bodies)
}

// send returns the answer, its body as far as it came, and what broke it.
func (b *bench) send(ctx context.Context, method, path, body string, header ...string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	return resp, string(got), err
}

func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		do     httpfault.Effect
		code   int
		header [2]string
		body   string // is in the answer's
	}{
		"status":     {httpfault.Status(418, http.Header{"X-A": {"b"}}, "teapot"), 418, [2]string{"X-A", "b"}, "teapot"},
		"xml":        {httpfault.XML(503, "SlowDown"), 503, [2]string{"Content-Type", "application/xml"}, "<Error><Code>SlowDown</Code>"},
		"xml in 200": {httpfault.XML(200, "InternalError"), 200, [2]string{"Content-Type", "application/xml"}, "<Code>InternalError</Code>"},
		"throttle":   {httpfault.Throttle(1500 * time.Millisecond), 429, [2]string{"Retry-After", "2"}, ""},
		"html":       {httpfault.HTML(502), 502, [2]string{"Content-Type", "text/html"}, "<h1>Bad Gateway</h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			b := plain(t, tt.do)
			large := strings.Repeat("x", 1<<20)
			resp, body, err := b.send(t.Context(), "PUT", "/a", large)
			require.NoError(t, err)
			assert.Equal(t, tt.code, resp.StatusCode)
			assert.Equal(t, tt.header[1], resp.Header.Get(tt.header[0]))
			assert.Contains(t, body, tt.body)
			assert.Equal(t, strconv.Itoa(len(body)), resp.Header.Get("Content-Length"))
			assert.Empty(t, b.served(), "the server is not asked")
			in, out := b.Bytes()
			assert.EqualValues(t, len(large), in, "the request is read first")
			assert.EqualValues(t, len(body), out)

			resp, body, err = b.send(t.Context(), "HEAD", "/a", "")
			require.NoError(t, err)
			assert.Equal(t, tt.code, resp.StatusCode)
			assert.Empty(t, body)
		})
	}
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func TestBrokenConnections(t *testing.T) {
	const body = "a body"
	for name, tt := range map[string]struct {
		do     httpfault.Effect
		reset  bool
		served []string
		in     int64
	}{
		"refuse":      {httpfault.Refuse(), false, nil, 0},
		"reset":       {httpfault.Reset(), true, nil, int64(len(body))},
		"lose answer": {httpfault.LoseAnswer(), true, []string{body}, int64(len(body))},
	} {
		t.Run(name, func(t *testing.T) {
			b := plain(t, tt.do)
			_, _, err := b.send(t.Context(), "POST", "/a", body) // a POST is not sent again by net/http
			require.Error(t, err)
			if tt.reset {
				assert.True(t, isReset(err), "%v", err)
			}
			assert.Equal(t, tt.served, b.served())
			in, out := b.Bytes()
			assert.Equal(t, tt.in, in)
			assert.Zero(t, out)
		})
	}
}

func TestBrokenBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		do    func(int64) httpfault.Effect
		reset bool
	}{
		"reset":    {httpfault.ResetAfter, true},
		"truncate": {httpfault.Truncate, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int64{0, 5, int64(len(content)) - 1} {
				b := plain(t, tt.do(n))
				resp, got, err := b.send(t.Context(), "GET", "/a", "")
				if tt.reset && resp == nil { // a reset may overtake what was sent
					require.True(t, isReset(err), "%v", err)
					continue
				}
				require.NotNil(t, resp, "%v", err)
				assert.Equal(t, strconv.Itoa(len(content)), resp.Header.Get("Content-Length"))
				assert.True(t, strings.HasPrefix(content[:n], got))
				if tt.reset {
					require.True(t, isReset(err), "%v", err)
				} else {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
					assert.Len(t, got, int(n))
				}
				_, out := b.Bytes()
				assert.Equal(t, n, out)
			}
			b := plain(t, tt.do(int64(len(content))))
			_, got, err := b.send(t.Context(), "GET", "/a", "")
			require.NoError(t, err, "there is no more to cut")
			assert.Equal(t, content, got)
		})
	}
}

// A connection under TLS ends without the alert that would make it a good end,
// and one of HTTP/2, which cannot be taken over, is aborted.
func TestTruncateUnderTLS(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		b := newBench(t, func(s *httptest.Server) {
			s.EnableHTTP2 = http2
			s.StartTLS()
		})
		b.Add(&httpfault.Rule{Do: httpfault.Truncate(5)})
		resp, got, err := b.send(t.Context(), "GET", "/a", "")
		require.Error(t, err)
		require.NotNil(t, resp)
		assert.Equal(t, http2, resp.ProtoMajor == 2)
		assert.True(t, strings.HasPrefix(content[:5], got))
	}
}

func TestStall(t *testing.T) {
	for name, end := range map[string]func(b *bench, cancel func()){
		"cleared":   func(b *bench, _ func()) { b.Clear() },
		"cancelled": func(_ *bench, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			b := plain(t, httpfault.StallAfter(5))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, "GET", b.url, nil)
			require.NoError(t, err)
			resp, err := b.client.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			first := make([]byte, 5)
			_, err = io.ReadFull(resp.Body, first)
			require.NoError(t, err)
			assert.Equal(t, content[:5], string(first))
			end(b, cancel)
			rest, err := io.ReadAll(resp.Body)
			require.Error(t, err, "the rest never comes")
			assert.Empty(t, rest)
		})
	}
}

func TestCorrupt(t *testing.T) {
	for at := range int64(len(content)) {
		b := plain(t, httpfault.Corrupt(at))
		_, got, err := b.send(t.Context(), "GET", "/a", "")
		require.NoError(t, err)
		want := []byte(content)
		want[at] = got[at]
		assert.NotEqual(t, content[at], got[at])
		assert.Equal(t, string(want), got, "nothing else is changed")
	}
}

// An offset counts from the body's beginning, not from a write's.
func TestCorruptOverWrites(t *testing.T) {
	layer := httpfault.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "aaaa")
		}
	}))
	layer.Add(&httpfault.Rule{Do: httpfault.Corrupt(6)})
	w := httptest.NewRecorder()
	layer.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, "aaaaaa!aaaaa", w.Body.String())
}

func TestIgnoreRange(t *testing.T) {
	b := plain(t)
	resp, got, err := b.send(t.Context(), "GET", "/a", "", "Range", "bytes=3-5")
	require.NoError(t, err)
	require.Equal(t, http.StatusPartialContent, resp.StatusCode)
	require.Equal(t, "345", got)
	b.Add(&httpfault.Rule{Do: httpfault.IgnoreRange()})
	b.Record()
	resp, got, err = b.send(t.Context(), "GET", "/a", "", "Range", "bytes=3-5")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, content, got)
	assert.Equal(t, "bytes=3-5", b.Log()[0].Header.Get("Range"), "the log has what was sent")
}

// Delay and Bandwidth take at least the time that they say: less is what a
// faulty clock could not make of it.
func TestSlow(t *testing.T) {
	for name, tt := range map[string]struct {
		do    httpfault.Effect
		body  string
		least time.Duration
	}{
		"delay":          {httpfault.Delay(30 * time.Millisecond), "x", 30 * time.Millisecond},
		"bandwidth":      {httpfault.Bandwidth(1 << 20), strings.Repeat("x", 40<<10), 39 * time.Millisecond},
		"much bandwidth": {httpfault.Bandwidth(1 << 40), strings.Repeat("x", 40<<10), 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := plain(t, tt.do)
			began := time.Now()
			_, got, err := b.send(t.Context(), "POST", "/a", tt.body)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, time.Since(began), tt.least)
			assert.Equal(t, tt.body, got)
		})
	}
}

// What waits ends with the request, which the server then never sees, and with
// Clear.
func TestDelayEnds(t *testing.T) {
	inner, asked := httptest.NewRecorder(), 0
	layer := httpfault.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Delay(time.Hour)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	layer.ServeHTTP(inner, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	assert.Zero(t, asked)

	done, waiting := make(chan struct{}), make(chan struct{})
	layer.Name(func(r *http.Request) string { close(waiting); return r.Method })
	go func() {
		defer close(done)
		layer.ServeHTTP(inner, httptest.NewRequest("GET", "/", nil))
	}()
	<-waiting
	// The name is asked for under the lock that Clear takes, and the rules are
	// chosen under the same hold.
	layer.Clear()
	<-done
	assert.Equal(t, 1, asked)
}

func TestMatch(t *testing.T) {
	operation := func(r *http.Request) string { return "Do" + r.Method }
	for name, tt := range map[string]struct {
		match httpfault.Match
		want  bool
	}{
		"all":             {httpfault.Match{}, true},
		"operation":       {httpfault.Match{Operation: "DoPUT"}, true},
		"other operation": {httpfault.Match{Operation: "PUT"}, false},
		"method":          {httpfault.Match{Method: "PUT"}, true},
		"other method":    {httpfault.Match{Method: "GET"}, false},
		"path":            {httpfault.Match{Path: regexp.MustCompile(`^/a%20b/c$`)}, true},
		"other path":      {httpfault.Match{Path: regexp.MustCompile(`a b`)}, false},
		"query":           {httpfault.Match{Query: "uploads"}, true},
		"query and value": {httpfault.Match{Query: "n"}, true},
		"other query":     {httpfault.Match{Query: "upload"}, false},
		"header":          {httpfault.Match{Header: "x-some"}, true},
		"other header":    {httpfault.Match{Header: "X-Other"}, false},
		"func":            {httpfault.Match{Func: func(r *http.Request) bool { return r.ContentLength == 4 }}, true},
		"other func":      {httpfault.Match{Func: func(*http.Request) bool { return false }}, false},
		"every":           {httpfault.Match{Operation: "DoPUT", Method: "PUT", Query: "n", Header: "X-Some"}, true},
		"all but one":     {httpfault.Match{Operation: "DoPUT", Method: "PUT", Query: "m", Header: "X-Some"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			layer := httpfault.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			layer.Name(operation)
			layer.Add(&httpfault.Rule{Match: tt.match, Do: httpfault.Status(418, nil, "")})
			r := httptest.NewRequest("PUT", "/a%20b/c?uploads&n=1", strings.NewReader("body"))
			r.Header.Set("X-Some", "value")
			w := httptest.NewRecorder()
			layer.ServeHTTP(w, r)
			assert.Equal(t, tt.want, w.Code == 418)
			assert.Equal(t, map[string]int{"DoPUT": 1}, layer.Counts())
		})
	}
}

// fire sends n requests and returns which ones a rule fired for.
func fire(layer *httpfault.Layer, n int) (fired []int) {
	for i := range n {
		w := httptest.NewRecorder()
		layer.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code == 418 {
			fired = append(fired, i)
		}
	}
	return fired
}

func TestSkipAndTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		skip, times int
		fired       []int
		unused      []int // before the first request and after each
	}{
		"once":          {0, 0, []int{0}, []int{1, 0, 0, 0, 0, 0}},
		"twice":         {0, 2, []int{0, 1}, []int{2, 1, 0, 0, 0, 0}},
		"skip, once":    {2, 0, []int{2}, []int{1, 1, 1, 0, 0, 0}},
		"skip, twice":   {1, 2, []int{1, 2}, []int{2, 2, 1, 0, 0, 0}},
		"for ever":      {0, -1, []int{0, 1, 2, 3, 4}, []int{0, 0, 0, 0, 0, 0}},
		"skip, forever": {3, -1, []int{3, 4}, []int{0, 0, 0, 0, 0, 0}},
		"too often":     {3, 4, []int{3, 4}, []int{4, 4, 4, 4, 3, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			layer := httpfault.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			layer.Add(&httpfault.Rule{Skip: tt.skip, Times: tt.times, Do: httpfault.Status(418, nil, "")})
			var fired []int
			unused := []int{layer.Unused()}
			for i := range 5 {
				if fire(layer, 1) != nil {
					fired = append(fired, i)
				}
				unused = append(unused, layer.Unused())
			}
			assert.Equal(t, tt.fired, fired)
			assert.Equal(t, tt.unused, unused)
			layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Status(418, nil, "")})
			layer.Clear()
			assert.Empty(t, fire(layer, 2), "no rule is left")
			assert.Zero(t, layer.Unused())
		})
	}
}

// All rules that fire act on the request, the first outermost.
func TestRulesStack(t *testing.T) {
	var order []string
	note := func(name string) httpfault.Effect {
		return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
			order = append(order, name)
			x.Next.ServeHTTP(w, r)
		}
	}
	layer := httpfault.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { order = append(order, "server") }))
	layer.Add(&httpfault.Rule{Do: note("first")}, &httpfault.Rule{Do: note("second")})
	fire(layer, 1)
	assert.Equal(t, []string{"first", "second", "server"}, order)
}

func TestCountsAndLog(t *testing.T) {
	b := plain(t)
	_, _, err := b.send(t.Context(), "GET", "/before", "")
	require.NoError(t, err)
	assert.Empty(t, b.Log(), "nothing is recorded yet")
	b.Record()
	_, _, err = b.send(t.Context(), "PUT", "/a%20b?n=1&m", "body", "X-Some", "value")
	require.NoError(t, err)
	_, _, err = b.send(t.Context(), "GET", "/c", "")
	require.NoError(t, err)

	assert.Equal(t, map[string]int{"GET": 2, "PUT": 1}, b.Counts())
	assert.EqualValues(t, 3, b.Requests())
	in, out := b.Bytes()
	assert.EqualValues(t, len("body"), in)
	assert.EqualValues(t, len("body")+2*len(content), out)
	log := b.Log()
	require.Len(t, log, 2)
	put := log[0]
	assert.Equal(t, []string{"PUT", "PUT", "/a%20b", "n=1&m"}, []string{put.Operation, put.Method, put.Path, put.Query})
	assert.Equal(t, "value", put.Header.Get("X-Some"))
	assert.Equal(t, strings.TrimPrefix(b.url, "http://"), put.Header.Get("Host"))

	counts := b.Counts()
	counts["GET"] = 7
	assert.EqualValues(t, 3, b.Requests(), "Counts is a copy")
	b.Add(&httpfault.Rule{Do: httpfault.Status(418, nil, "")})
	b.Layer.Reset()
	in, out = b.Bytes()
	assert.Zero(t, in+out+b.Requests())
	assert.Empty(t, b.Log())
	assert.Equal(t, 1, b.Unused(), "rules stay")
	_, _, err = b.send(t.Context(), "GET", "/d", "")
	require.NoError(t, err)
	assert.Len(t, b.Log(), 1, "recording goes on")
}

// One effect serves many requests at once, and each counts.
func TestConcurrent(t *testing.T) {
	b := plain(t, httpfault.Corrupt(1))
	want, n := []byte(content), 20
	want[1] ^= 0x40
	results := make(chan string, n)
	for range n {
		go func() {
			_, got, err := b.send(t.Context(), "GET", "/", "")
			results <- got + errorText(err)
		}()
	}
	for range n {
		assert.True(t, bytes.Equal(want, []byte(<-results)))
	}
	assert.EqualValues(t, n, b.Requests())
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
