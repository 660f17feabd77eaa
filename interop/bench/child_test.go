package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
)

// What is between a client and its server runs in a process of its own, so
// that allocations and heap are the client's: a proxy before a server, or a
// double of internal/testkit itself. It is this test's binary, started again.

// childVariable tells the binary that it is the child: the name of a double, or
// the URL of the server that it is a proxy of.
const childVariable = "LTXSTORE_BENCH_CHILD"

const (
	gcsBucket = "bench"
	fakeName  = "bench"                // the others' account, container, bucket, region and access key
	fakeKey   = "c2VjcmV0LW9mLWJlbmNo" // and their secret
)

// traffic is what a child has seen. Bytes are those of the connections, with
// all headers.
type traffic struct{ Requests, Bytes int64 }

// runChild serves until its standard input ends, which it does with the parent.
func runChild(upstream string) error {
	var handler http.Handler
	if double, ok := map[string]func() http.Handler{
		"gcsfake": func() http.Handler { return gcsfake.New(gcsfake.Options{}, gcsBucket) },
		"absfake": func() http.Handler { return absfake.New(absfake.Options{Account: fakeName, Key: fakeKey}, fakeName) },
		"ossfake": func() http.Handler {
			return ossfake.New(ossfake.Options{ID: fakeName, Secret: fakeKey, Region: fakeName}, fakeName)
		},
	}[upstream]; ok {
		defer runtime.KeepAlive(warmHeap())
		handler = double()
	} else {
		target, err := url.Parse(upstream)
		if err != nil {
			return err
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
		transport.DisableCompression = true // what the client asks for passes as it is
		handler = &httputil.ReverseProxy{
			// The Host stays: it is in the signature.
			Rewrite:    func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
			Transport:  transport,
			BufferPool: &buffers{sync.Pool{New: func() any { return new(buffer) }}},
		}
	}
	layer := httpfault.New(handler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counted := &countingListener{Listener: listener}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var mux http.ServeMux
	mux.HandleFunc("GET /traffic", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(traffic{layer.Requests(), counted.bytes.Load()})
	})
	mux.HandleFunc("POST /wire", func(w http.ResponseWriter, r *http.Request) {
		layer.Clear()
		if d, _ := time.ParseDuration(r.FormValue("delay")); d > 0 {
			layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Delay(d)})
		}
		if n, _ := strconv.ParseInt(r.FormValue("bandwidth"), 10, 64); n > 0 {
			layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Bandwidth(n)})
		}
	})
	go func() { _ = http.Serve(counted, layer) }()
	go func() { _ = http.Serve(control, &mux) }()
	fmt.Println(listener.Addr(), control.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// buffers are those of the proxy: large ones, so that it takes little of the processor time
// that it shares with the client.
type buffers struct{ pool sync.Pool }

type buffer [256 << 10]byte

func (b *buffers) Get() []byte  { return b.pool.Get().(*buffer)[:] }
func (b *buffers) Put(p []byte) { b.pool.Put((*buffer)(p)) }

// warmHeap makes the heap of a server in memory large once, and returns what
// keeps the collector from giving the memory back. On a virtual machine fresh
// memory takes milliseconds a megabyte, more than anything else in a large write,
// and one contestant would pay for what another has left.
func warmHeap() (ballast []byte) {
	ballast = make([]byte, 512<<20)
	var touched [][]byte
	for range 64 {
		touched = append(touched, bytes.Repeat([]byte{1}, 8<<20))
	}
	runtime.KeepAlive(touched)
	runtime.GC()
	return ballast
}

type countingListener struct {
	net.Listener
	bytes atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{conn, &l.bytes}, nil
}

type countingConn struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

// wire is the child as the parent sees it. nil is no wire: a disk.
type wire struct{ url, control string }

// startChild starts a child that ends with the test.
func startChild(tb testing.TB, upstream string) *wire {
	tb.Helper()
	self, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+upstream)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(tb, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	var address, control string
	_, err = fmt.Fscanln(stdout, &address, &control)
	require.NoError(tb, err)
	return &wire{"http://" + address, "http://" + control}
}

// set makes every request wait, and limits what an exchange transfers a
// second. 0 is no delay and no limit.
func (w *wire) set(ctx context.Context, delay time.Duration, bandwidth int64) error {
	if w == nil {
		return nil
	}
	return w.ask(ctx, http.MethodPost, fmt.Sprintf("/wire?delay=%s&bandwidth=%d", delay, bandwidth), nil)
}

func (w *wire) traffic(ctx context.Context) (t traffic, err error) {
	if w != nil {
		err = w.ask(ctx, http.MethodGet, "/traffic", &t)
	}
	return t, err
}

func (w *wire) ask(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, w.control+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
