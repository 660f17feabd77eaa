package ltxstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

var _ ltxstore.ReplicaClient = (*fakeClient)(nil)

var kinds = []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported,
	ltxstore.ErrStoreNotFound, ltxstore.ErrThrottled, ltxstore.ErrUnavailable, ltxstore.ErrChecksum}

func TestErrorText(t *testing.T) {
	cause := errors.New("disk on fire")
	for want, err := range map[string]*ltxstore.Error{
		"file: open ltx/0000/x.ltx: file does not exist":               {Op: "open", Backend: "file", Key: "ltx/0000/x.ltx", Kind: fs.ErrNotExist},
		"file: open ltx/0000/x.ltx: file does not exist: disk on fire": {Op: "open", Backend: "file", Key: "ltx/0000/x.ltx", Kind: fs.ErrNotExist, Err: cause},
		"s3: delete all: disk on fire":                                 {Op: "delete all", Backend: "s3", Err: cause},
		"s3: init":                                                     {Op: "init", Backend: "s3"},
		// A cause that is the kind already says so in its own words.
		"file: write a: open a: file does not exist":       {Op: "write", Backend: "file", Key: "a", Kind: fs.ErrNotExist, Err: &fs.PathError{Op: "open", Path: "a", Err: fs.ErrNotExist}},
		"file: write a: open a: no such file or directory": {Op: "write", Backend: "file", Key: "a", Kind: fs.ErrNotExist, Err: &fs.PathError{Op: "open", Path: "a", Err: syscall.ENOENT}},
	} {
		assert.EqualError(t, err, want)
	}
}

func TestErrorUnwrap(t *testing.T) {
	cause := &fs.PathError{Op: "open", Path: "x", Err: syscall.EIO}
	for _, kind := range kinds {
		err := fmt.Errorf("outer: %w", &ltxstore.Error{Op: "open", Backend: "s3", Kind: kind, Err: cause})
		for _, other := range kinds {
			assert.Equal(t, kind == other, errors.Is(err, other), "%v is %v", kind, other)
		}
		assert.ErrorIs(t, err, syscall.EIO)
		var path *fs.PathError
		require.ErrorAs(t, err, &path)
		assert.Same(t, cause, path)
		var own *ltxstore.Error
		require.ErrorAs(t, err, &own)
		assert.Equal(t, kind, own.Kind)

		assert.ErrorIs(t, &ltxstore.Error{Kind: kind}, kind)
	}
	assert.ErrorIs(t, &ltxstore.Error{Err: cause}, syscall.EIO)
	assert.NotErrorIs(t, &ltxstore.Error{}, fs.ErrNotExist)
	assert.Nil(t, (&ltxstore.Error{}).Unwrap())
	assert.NotErrorIs(t, ltxstore.ErrStoreNotFound, fs.ErrNotExist, "a missing store is no missing file")
}

// A cause of another kind, or of several, does not make an error of two kinds.
func TestErrorMatchesOneKind(t *testing.T) {
	causes := []error{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, syscall.EACCES, syscall.ENOSYS,
		errors.Join(kinds...), &ltxstore.Error{Kind: ltxstore.ErrThrottled, Err: fs.ErrExist}}
	for _, kind := range kinds {
		for _, cause := range append(causes, kinds...) {
			err := fmt.Errorf("outer: %w", &ltxstore.Error{Op: "open", Backend: "s3", Kind: kind, Err: fmt.Errorf("inner: %w", cause)})
			for _, other := range kinds {
				assert.Equal(t, kind == other, errors.Is(err, other), "%v with a cause of %v is %v", kind, cause, other)
			}
			assert.Equal(t, kind, ltxstore.KindOf(err))
			if !errors.Is(errors.Join(kinds...), cause) {
				assert.ErrorIs(t, err, cause, "the cause itself is found")
			}
		}
	}
	err := &ltxstore.Error{Kind: ltxstore.ErrStoreNotFound, Err: &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}}
	var path *fs.PathError
	require.ErrorAs(t, err, &path)
	assert.ErrorIs(t, err, syscall.ENOENT)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	assert.EqualError(t, err, ": : store not found: open x: no such file or directory")
}

// httpError is an answer as the SDKs report it.
type httpError int

func (e httpError) Error() string       { return fmt.Sprintf("http %d", int(e)) }
func (e httpError) HTTPStatusCode() int { return int(e) }

func TestIsRetryable(t *testing.T) {
	failed := func(kind error) error { return &ltxstore.Error{Op: "delete", Kind: kind} }
	partly := func(kind error) error { return &ltxstore.PartialError{Failed: []error{failed(kind), failed(kind)}} }
	opError := func(err error) error {
		return &url.Error{Op: "Get", URL: "http://store", Err: &net.OpError{Op: "read", Net: "tcp", Err: err}}
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                             {nil, false},
		"unknown":                         {errors.New("?"), false},
		"canceled":                        {context.Canceled, false},
		"canceled, wrapped":               {fmt.Errorf("x: %w", context.Canceled), false},
		"canceled in a request":           {opError(context.Canceled), false},
		"deadline":                        {context.DeadlineExceeded, false},
		"deadline, wrapped":               {fmt.Errorf("x: %w", context.DeadlineExceeded), false},
		"deadline in a request":           {opError(context.DeadlineExceeded), false},
		"deadline, joined":                {errors.Join(opError(syscall.ECONNRESET), context.DeadlineExceeded), false},
		"deadline beside a kind":          {&ltxstore.Error{Kind: ltxstore.ErrUnavailable, Err: context.DeadlineExceeded}, false},
		"io timeout":                      {opError(os.ErrDeadlineExceeded), true},
		"net timeout":                     {opError(timeoutError{}), true},
		"dns, temporary":                  {&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		"reset":                           {opError(os.NewSyscallError("read", syscall.ECONNRESET)), true},
		"refused":                         {opError(os.NewSyscallError("connect", syscall.ECONNREFUSED)), true},
		"other errno on the network":      {opError(os.NewSyscallError("read", syscall.EIO)), true},
		"too many open files":             {&fs.PathError{Op: "open", Path: "x", Err: syscall.EMFILE}, true},
		"disk full":                       {&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, false},
		"disk failed":                     {&fs.PathError{Op: "write", Path: "x", Err: syscall.EIO}, false},
		"access denied":                   {&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, false},
		"bare errno":                      {syscall.ENOSPC, false},
		"no answer at all":                {&url.Error{Op: "Get", URL: "http://store", Err: io.EOF}, true},
		"a URL that cannot be asked":      {&url.Error{Op: "Get", URL: "x://store", Err: errors.New("unsupported protocol scheme")}, false},
		"short body":                      {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), true},
		"end of file":                     {io.EOF, false},
		"certificate":                     {opError(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), false},
		"short body of a permanent kind":  {&ltxstore.Error{Kind: ltxstore.ErrChecksum, Err: io.ErrUnexpectedEOF}, false},
		"throttled, whatever the cause":   {&ltxstore.Error{Kind: ltxstore.ErrThrottled, Err: httpError(400)}, true},
		"unavailable, whatever the cause": {&ltxstore.Error{Kind: ltxstore.ErrUnavailable, Err: httpError(400)}, true},
		"not found beside a 500":          {&ltxstore.Error{Kind: fs.ErrNotExist, Err: httpError(500)}, false},
		"answer with a transport cause":   {errors.Join(httpError(403), io.ErrUnexpectedEOF), false},
		"no answer, a transport cause":    {errors.Join(httpError(0), io.ErrUnexpectedEOF), true},
		"wrapped answer":                  {&ltxstore.Error{Op: "open", Err: fmt.Errorf("x: %w", httpError(503))}, true},
		"joined, one denied":              {errors.Join(failed(ltxstore.ErrUnavailable), failed(fs.ErrPermission)), false},
		"joined, one denied, wrapped":     {errors.Join(fmt.Errorf("x: %w", failed(fs.ErrPermission)), failed(ltxstore.ErrThrottled)), false},
		"joined, one unknown":             {errors.Join(failed(ltxstore.ErrUnavailable), failed(nil)), false},
		"joined, all retryable":           {fmt.Errorf("x: %w", errors.Join(failed(ltxstore.ErrUnavailable), failed(ltxstore.ErrThrottled))), true},
		"joined, in an Error":             {&ltxstore.Error{Err: errors.Join(failed(ltxstore.ErrUnavailable), failed(fs.ErrPermission))}, false},
		"joined deletions":                {errors.Join(partly(ltxstore.ErrThrottled), partly(fs.ErrPermission)), false},
		"joined deletions, the reverse":   {errors.Join(partly(fs.ErrPermission), partly(ltxstore.ErrThrottled)), false},
		"joined deletions, all throttled": {errors.Join(partly(ltxstore.ErrThrottled), partly(ltxstore.ErrThrottled)), true},
		"deletion of a permanent kind":    {&ltxstore.Error{Kind: fs.ErrPermission, Err: partly(ltxstore.ErrThrottled)}, false},
		"deletion in an Error":            {&ltxstore.Error{Err: partly(ltxstore.ErrThrottled)}, true},
		"a kind and a transport's cause":  {fmt.Errorf("%w: %w", ltxstore.ErrUnavailable, io.EOF), true},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, ltxstore.IsRetryable(tt.err))
		})
	}
	for _, kind := range kinds {
		want := kind == ltxstore.ErrThrottled || kind == ltxstore.ErrUnavailable
		assert.Equal(t, want, ltxstore.IsRetryable(&ltxstore.Error{Kind: kind}), kind)
	}
}

// timeoutError is what a custom transport may return.
type timeoutError struct{}

func (timeoutError) Error() string   { return "timed out" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// Timeouts of net and net/http match context.DeadlineExceeded too: they are
// the transport's, and retryable, unless the caller's own context has ended.
func TestIsRetryableRealTimeouts(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(release)

	get := func(ctx context.Context, client *http.Client) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		require.Error(t, err)
		return err
	}

	client := srv.Client()
	client.Timeout = time.Millisecond
	err := get(t.Context(), client)
	assert.ErrorIs(t, err, context.DeadlineExceeded, "the premise of this test")
	assert.True(t, ltxstore.IsRetryable(err), "%v", err)

	client.Timeout = 0
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Millisecond
	err = get(t.Context(), &http.Client{Transport: transport})
	assert.True(t, ltxstore.IsRetryable(err), "%v", err)
	transport.CloseIdleConnections()

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err = get(ctx, client)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.False(t, ltxstore.IsRetryable(err), "%v", err)

	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetReadDeadline(time.Unix(1, 0)))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.True(t, ltxstore.IsRetryable(err), "%v", err)
}

// A certificate that does not verify will not verify the next time either.
func TestIsRetryableRealCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the refusal is expected
	srv.StartTLS()
	defer srv.Close()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
	defer transport.CloseIdleConnections()
	_, err := (&http.Client{Transport: transport}).Get(srv.URL)
	var certificate *tls.CertificateVerificationError
	require.ErrorAs(t, err, &certificate)
	assert.False(t, ltxstore.IsRetryable(err))
}

func TestIsRetryableRealRefusal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = net.Dial("tcp", l.Addr().String())
	require.Error(t, err)
	assert.True(t, ltxstore.IsRetryable(err), "%v", err)
}

func TestIsRetryableOfAnAnswer(t *testing.T) {
	retryable := map[int]bool{408: true, 429: true}
	for code := 500; code <= 599; code++ {
		retryable[code] = code != 501 && code != 505
	}
	for code := 1; code <= 700; code++ {
		assert.Equal(t, retryable[code], ltxstore.IsRetryable(httpError(code)), code)
	}
}
