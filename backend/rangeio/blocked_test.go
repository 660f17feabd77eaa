package rangeio_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// withoutCancel makes the reader rely on Body.Close.
func withoutCancel(ctx context.Context, s *store) rangeio.Config {
	cfg := s.config(context.WithoutCancel(ctx))
	cfg.Cancel = nil
	return cfg
}

func TestReaderIdleTimeout(t *testing.T) {
	for name, config := range map[string]func(context.Context, *store) rangeio.Config{
		"Cancel":     func(ctx context.Context, s *store) rangeio.Config { return s.config(context.WithoutCancel(ctx)) },
		"Body.Close": withoutCancel,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{t: t, data: content(100), stallAt: 30}
				s.onOpen = func(attempt int) error {
					if attempt == 2 { // the second attempt stalls too, the third does not
						s.stallAt = 0
					}
					return nil
				}
				cfg := config(t.Context(), s)
				cfg.IdleTimeout = 20 * time.Second
				r := rangeio.NewReader(t.Context(), cfg)
				start := time.Now()
				got, err := io.ReadAll(r)
				require.NoError(t, err)
				assert.Equal(t, s.data, got)
				assert.Equal(t, 40*time.Second, time.Since(start))
				assert.Equal(t, []int64{30, 30}, s.offsets)
				require.NoError(t, r.Close())
				s.checkClosed()
			})
		})
	}
}

func TestReaderStallUsesTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{t: t, data: content(100), stallAt: 30}
		r := rangeio.NewReader(t.Context(), s.config(t.Context()))
		start := time.Now()
		got, err := io.ReadAll(r)
		assert.Equal(t, s.data[:30], got)
		assert.EqualError(t, err, "after 3 attempts: no data arrived for 1m0s")
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
		assert.True(t, timeout.(interface{ Temporary() bool }).Temporary(), "net/http asks")
		assert.NotErrorIs(t, err, context.Canceled, "it was not the caller who stopped")
		assert.Equal(t, 3*rangeio.DefaultIdleTimeout, time.Since(start))
		require.NoError(t, r.Close())
		s.checkClosed()
	})
}

func TestReaderIdleTimeoutOfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{t: t, data: content(100)}
		opened := 0
		r := rangeio.NewReader(t.Context(), rangeio.Config{Size: 100, Retry: policy(2), Open: func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			if opened++; opened == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return s.Open(ctx, offset, length)
		}})
		start := time.Now()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, s.data, got)
		assert.Equal(t, rangeio.DefaultIdleTimeout, time.Since(start))
		require.NoError(t, r.Close())
		s.checkClosed()
	})
}

// There is no limit on the whole, nor on a caller who takes its time.
func TestReaderSlowIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{t: t, data: content(100), chunk: 1}
		cfg := s.config(t.Context())
		cfg.Body = slow{cfg.Body, 50 * time.Second}
		r := rangeio.NewReader(t.Context(), cfg)
		buf := make([]byte, 10)
		for range 100 {
			n, err := r.Read(buf)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			time.Sleep(time.Hour)
		}
		_, err := r.Read(buf)
		assert.Equal(t, io.EOF, err)
		assert.Empty(t, s.offsets)
		require.NoError(t, r.Close())
		s.checkClosed()
	})
}

type slow struct {
	io.ReadCloser
	pause time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return s.ReadCloser.Read(p)
}

func TestReaderNoIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{t: t, data: content(100)}
		cfg := s.config(t.Context())
		cfg.Body, cfg.IdleTimeout = slow{cfg.Body, 24 * time.Hour}, -1
		r := rangeio.NewReader(t.Context(), cfg)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, s.data, got)
		assert.Empty(t, s.offsets)
		require.NoError(t, r.Close())
	})
}

// A body that has delivered all but does not end costs one idle timeout.
func TestReaderBodyThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{t: t, data: content(100), stallAt: 100}
		r := rangeio.NewReader(t.Context(), s.config(t.Context()))
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, s.data, got)
		require.NoError(t, r.Close())
		s.checkClosed()
	})
}

// manualTimer is a Timer that a test fires.
type manualTimer struct {
	running bool
	fire    func()
}

func (m *manualTimer) Reset(time.Duration) bool { m.running = true; return true }
func (m *manualTimer) Stop() bool               { was := m.running; m.running = false; return was }

// The clock can be a test's own. The timer runs only while bytes are awaited;
// one that fires as the bytes arrive loses none of them.
func TestReaderInjectedTimer(t *testing.T) {
	s := &store{t: t, data: content(100), chunk: 10}
	cfg := s.config(t.Context())
	var timers []*manualTimer
	cfg.IdleTimeout = time.Second
	cfg.NewTimer = func(d time.Duration, f func()) rangeio.Timer {
		assert.Equal(t, time.Second, d)
		timers = append(timers, &manualTimer{running: true, fire: f})
		return timers[len(timers)-1]
	}
	cfg.Body = onRead{cfg.Body, func() { assert.True(t, timers[0].running) }}
	r := rangeio.NewReader(t.Context(), cfg)
	assert.False(t, timers[0].running)

	buf := make([]byte, 100)
	n, err := r.Read(buf)
	require.NoError(t, err)
	assert.False(t, timers[0].running)
	timers[0].fire()

	_, err = io.ReadFull(r, buf[n:])
	require.NoError(t, err)
	assert.Equal(t, s.data, buf)
	assert.Equal(t, []int64{10}, s.offsets)
	require.NoError(t, r.Close())
	s.checkClosed()
	for _, timer := range timers {
		assert.False(t, timer.running)
	}
}

// The last bytes and the end of a body count even if the timer fires as they arrive.
func TestReaderStallAtTheEnd(t *testing.T) {
	var timer *manualTimer
	r := rangeio.NewReader(t.Context(), rangeio.Config{
		Size: 3,
		NewTimer: func(_ time.Duration, f func()) rangeio.Timer {
			timer = &manualTimer{fire: f}
			return timer
		},
		Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
			timer.fire()
			return copy(p, "abc"), io.EOF
		})),
		Cancel: func() {},
	})
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "abc", string(got))
	require.NoError(t, r.Close())
}

type onRead struct {
	io.ReadCloser
	f func()
}

func (o onRead) Read(p []byte) (int, error) {
	o.f()
	return o.ReadCloser.Read(p)
}

// Whatever a Read waits for, a body, an Open or the next try, cancelling ends
// it at once, and so does Close. synctest fails the test if a goroutine stays.
func TestReaderBlockedRead(t *testing.T) {
	blocked := map[string]func(ctx context.Context, s *store) rangeio.Config{
		"in a body":             func(ctx context.Context, s *store) rangeio.Config { s.stallAt = 30; return s.config(ctx) },
		"in a body without ctx": func(ctx context.Context, s *store) rangeio.Config { s.stallAt = 30; return withoutCancel(ctx, s) },
		"in a body opened again": func(ctx context.Context, s *store) rangeio.Config {
			s.perBody, s.stallAt = 30, 30
			return s.config(ctx)
		},
		"at the end of a body": func(ctx context.Context, s *store) rangeio.Config { s.stallAt = 100; return s.config(ctx) },
		"in Open": func(ctx context.Context, s *store) rangeio.Config {
			s.perBody = 30
			cfg := s.config(ctx)
			cfg.Open = func(ctx context.Context, _, _ int64) (io.ReadCloser, error) {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
			}
			return cfg
		},
		"in Open without context": func(ctx context.Context, s *store) rangeio.Config {
			s.perBody = 30
			cfg := s.config(ctx)
			cfg.Open = func(ctx context.Context, _, _ int64) (io.ReadCloser, error) {
				<-ctx.Done()
				return nil, errReset
			}
			return cfg
		},
		"asleep": func(ctx context.Context, s *store) rangeio.Config {
			s.perBody, s.failure = 30, errReset
			cfg := s.config(ctx)
			p := policy(9)
			p.BaseDelay, p.Rand = time.Hour, func() float64 { return 0.9 }
			cfg.Retry = p
			return cfg
		},
	}
	for name, config := range blocked {
		for _, stop := range []string{"cancel", "cause", "deadline", "Close", "Close twice at once"} {
			t.Run(name+"/"+stop, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cause := errors.New("shutting down")
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					if stop == "deadline" {
						var release context.CancelFunc
						ctx, release = context.WithTimeout(ctx, time.Second)
						defer release()
					}
					s := &store{t: t, data: content(100)}
					cfg := config(ctx, s)
					cfg.IdleTimeout = -1
					r := rangeio.NewReader(ctx, cfg)

					start := time.Now()
					read := make(chan error)
					go func() {
						_, err := io.ReadAll(r)
						read <- err
					}()
					synctest.Wait() // until the Read is blocked
					want := fs.ErrClosed
					switch stop {
					case "cancel":
						want = context.Canceled
						cancel(nil)
					case "cause":
						want = cause
						cancel(cause)
					case "deadline":
						want = context.DeadlineExceeded
					case "Close twice at once":
						go r.Close()
						fallthrough
					case "Close":
						require.NoError(t, r.Close())
					}
					err := <-read
					assert.ErrorIs(t, err, want)
					if stop == "cause" {
						assert.ErrorIs(t, err, context.Canceled)
					}
					if want == fs.ErrClosed {
						assert.NotErrorIs(t, err, context.Canceled, "the caller's context lives")
					}
					if stop != "deadline" {
						assert.Zero(t, time.Since(start))
					}
					require.NoError(t, r.Close())
					s.checkClosed()
				})
			})
		}
	}
}

// The failure that was being waited out is told too.
func TestReaderCancelIncludesTheFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s := &store{t: t, data: content(100), perBody: 30, failure: errReset}
		cfg := s.config(ctx)
		p := policy(9)
		p.BaseDelay, p.Rand = time.Hour, func() float64 { return 0.9 }
		cfg.Retry = p
		r := rangeio.NewReader(ctx, cfg)
		defer r.Close()
		_, err := io.ReadAll(r)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, err, errReset)
	})
}

// The same over real connections: a server that drops every one of them after
// some bytes, and one that never answers again.
func TestReaderOverHTTP(t *testing.T) {
	data := content(200_000)
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offset, err := fromHeader(r.Header.Get("Range"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Length", itoa(len(data)-offset))
		_, _ = w.Write(data[offset:min(offset+9_999, len(data))])
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/stall" {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	defer close(release)

	get := func(path string) func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		return func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path, nil)
			if err != nil {
				return nil, err
			}
			req.Header.Set("Range", rangeio.HTTPRange(offset, 0))
			resp, err := srv.Client().Do(req)
			if err != nil {
				return nil, err
			}
			return resp.Body, nil
		}
	}

	t.Run("dropped", func(t *testing.T) {
		p := policy(3)
		p.Retryable = func(error) bool { return true }
		r := rangeio.NewReader(t.Context(), rangeio.Config{Size: int64(len(data)), Open: get("/drop"), Retry: p})
		defer r.Close()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, data, got)
	})
	for _, stop := range []string{"cancel", "Close"} {
		t.Run(stop, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := rangeio.NewReader(ctx, rangeio.Config{Size: int64(len(data)), Open: get("/stall"), Retry: policy(3)})
			defer r.Close()
			_, err := io.ReadFull(r, make([]byte, 9_999))
			require.NoError(t, err)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, err = r.Read(make([]byte, 1))
			}()
			if stop == "cancel" {
				cancel()
			} else {
				assert.NoError(t, r.Close())
			}
			soon(t, done, "Read returns")
			if stop == "cancel" {
				assert.ErrorIs(t, err, context.Canceled)
			} else {
				assert.ErrorIs(t, err, fs.ErrClosed)
			}
		})
	}
}
