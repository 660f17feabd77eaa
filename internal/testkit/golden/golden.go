// Package golden compares the requests of a client with golden files. Requests
// are recorded in a readable form, without values that change from run to run.
package golden

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Transport is an http.RoundTripper that passes all requests to a Handler in
// this process, and records them.
type Transport struct {
	Handler http.Handler

	// Hide replaces values of headers or of the query that change from run to
	// run.
	Hide []Hidden

	// Answer, if not nil, may change the response to the nth request, counted
	// from 1.
	Answer func(n int, req *http.Request, resp *http.Response)

	mu         sync.Mutex
	out        strings.Builder
	n          int
	concurrent bool     // the requests since the last title
	unordered  []string // these requests
}

// Hidden is a pattern whose matches are shown as With, or as the result of By.
type Hidden struct {
	Pattern *regexp.Regexp
	With    string
	By      func(match string) string
}

// Title records a heading for the requests that follow.
func (t *Transport) Title(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.order()
	t.concurrent = false
	fmt.Fprintf(&t.out, "=== "+format+"\n\n", args...)
}

// Concurrent means that the requests up to the next title are concurrent. They are recorded in
// alphabetical order.
func (t *Transport) Concurrent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.concurrent = true
}

// Text returns the record.
func (t *Transport) Text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.order()
	return t.out.String()
}

func (t *Transport) order() {
	slices.Sort(t.unordered)
	t.out.WriteString(strings.Join(t.unordered, ""))
	t.unordered = nil
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
	}
	n := t.write(req, body)

	in := req.Clone(req.Context())
	in.Header = make(http.Header)
	for name, values := range req.Header { // in any case, as an SDK has put it
		in.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	in.RequestURI = req.URL.RequestURI()
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if len(body) > 0 { // a server finds it among the headers, and signatures cover it
		in.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	in.RemoteAddr, in.Proto, in.ProtoMajor, in.ProtoMinor = "192.0.2.1:1", "HTTP/1.1", 1, 1
	if req.URL.Scheme == "https" { // a server builds addresses by it
		in.TLS = &tls.ConnectionState{}
	}
	in.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	t.Handler.ServeHTTP(recorder, in)
	resp := recorder.Result()
	resp.Request = req
	if t.Answer != nil {
		t.Answer(n, req, resp)
	}
	return resp, nil
}

func (t *Transport) write(req *http.Request, body []byte) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s://%s%s\n", req.Method, req.URL.Scheme, req.URL.Host, req.URL.EscapedPath())
	query := strings.Split(req.URL.RawQuery, "&")
	slices.Sort(query)
	for _, pair := range query {
		if pair != "" {
			fmt.Fprintf(&out, "  ? %s\n", t.hide(pair))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			fmt.Fprintf(&out, "  %s\n", t.hide(name+": "+value))
		}
	}
	if req.ContentLength != 0 {
		fmt.Fprintf(&out, "  (Content-Length: %d)\n", req.ContentLength)
	}
	if len(body) > 0 {
		fmt.Fprintf(&out, "  > %s\n", t.body(body))
	}
	out.WriteByte('\n')
	if t.unordered = append(t.unordered, out.String()); !t.concurrent {
		t.order()
	}
	t.n++
	return t.n
}

func (t *Transport) hide(text string) string {
	for _, h := range t.Hide {
		if h.By != nil {
			text = h.Pattern.ReplaceAllStringFunc(text, h.By)
			continue
		}
		text = h.Pattern.ReplaceAllString(text, h.With)
	}
	return text
}

// body shows short texts, and only the length of anything else.
func (t *Transport) body(body []byte) string {
	readable := len(body) < 2000 && !slices.ContainsFunc(body, func(b byte) bool { return b < ' ' && b != '\n' && b != '\r' || b > '~' })
	if !readable {
		return fmt.Sprintf("%d bytes", len(body))
	}
	return t.hide(strings.NewReplacer("\r\n", "\n    ", "\n", "\n    ").Replace(string(body)))
}

// Compare compares text with the golden file of that name in testdata/golden,
// or writes the file if update is true. The error shows the lines that differ,
// with their titles.
func Compare(name, text string, update bool) error {
	path := filepath.Join("testdata", "golden", name+".txt")
	if update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("no golden file: run with -update, and read what it wrote: %w", err)
	}
	if string(want) == text {
		return nil
	}
	return fmt.Errorf("%s is not what is sent (- is the file, + is sent; -update accepts it):\n%s", path, diff(string(want), text))
}

// maxDiff is the maximum number of lines in a difference.
const maxDiff = 60

// diff shows the differences of two texts, request by request.
func diff(want, got string) string {
	a, b := strings.Split(want, "\n\n"), strings.Split(got, "\n\n")
	var out []string
	title := ""
	for i := range max(len(a), len(b)) {
		var left, right string
		if i < len(a) {
			left = a[i]
		}
		if i < len(b) {
			right = b[i]
		}
		if next := cmp.Or(right, left); strings.HasPrefix(next, "===") {
			title = next
		}
		if left == right {
			continue
		}
		out = append(out, title)
		out = append(out, lines(left, right)...)
	}
	if len(out) > maxDiff {
		out = append(out[:maxDiff], "…")
	}
	return strings.Join(out, "\n")
}

// lines shows the lines that only one of two requests has, after its first
// line.
func lines(left, right string) (out []string) {
	a, b := strings.Split(left, "\n"), strings.Split(right, "\n")
	if a[0] == b[0] {
		out = append(out, "  "+a[0])
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "+ "+line)
		}
	}
	return out
}
