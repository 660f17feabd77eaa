package rangeio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/retry"
)

func content(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func TestReaderWhole(t *testing.T) {
	for _, joined := range []bool{false, true} {
		s := &store{t: t, data: content(10000), joined: joined}
		r := rangeio.NewReader(t.Context(), s.config(t.Context()))
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, s.data, got)
		assert.Empty(t, s.offsets, "nothing is opened again")
		s.checkClosed() // the connection is free before Close
		require.NoError(t, r.Close())
		s.checkClosed()
	}
}

func TestReaderIOTest(t *testing.T) {
	for name, s := range map[string]*store{
		"plain":              {data: content(3000)},
		"data with EOF":      {data: content(3000), joined: true},
		"small reads":        {data: content(3000), chunk: 7},
		"breaks":             {data: content(3000), perBody: 13, failure: errReset},
		"breaks with data":   {data: content(3000), perBody: 13, failure: errReset, joined: true},
		"ends early":         {data: content(3000), perBody: 100},
		"more than asked":    {data: content(3000), excess: []byte("garbage")},
		"one byte":           {data: content(1)},
		"breaks at the end":  {data: content(3000), atEnd: errReset},
		"nothing":            {data: nil},
		"nothing but excess": {data: nil, excess: []byte("garbage")},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			r := rangeio.NewReader(t.Context(), s.config(t.Context()))
			require.NoError(t, iotest.TestReader(r, s.data))
			require.NoError(t, r.Close())
			s.checkClosed()
		})
	}
}

// A file of unknown size ends where a body does, and goes on where one breaks.
func TestReaderUpTo(t *testing.T) {
	for name, s := range map[string]*store{
		"plain":            {data: content(3000)},
		"data with EOF":    {data: content(3000), joined: true},
		"breaks":           {data: content(3000), perBody: 13, failure: errReset},
		"breaks with data": {data: content(3000), perBody: 13, failure: errReset, joined: true},
		"nothing":          {data: nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			cfg := s.config(t.Context())
			cfg.Size, cfg.UpTo = math.MaxInt64, true
			open := cfg.Open
			cfg.Open = func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
				assert.Equal(t, math.MaxInt64-offset, length)
				return open(ctx, offset, int64(len(s.data))-offset)
			}
			r := rangeio.NewReader(t.Context(), cfg)
			require.NoError(t, iotest.TestReader(r, s.data))
			require.NoError(t, r.Close())
			s.checkClosed()
		})
	}
}

// A transfer that moves on is never given up, however often it breaks.
func TestReaderResumesWhileThereIsProgress(t *testing.T) {
	for name, failure := range map[string]error{"reset": errReset, "early end": nil} {
		for _, joined := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := &store{t: t, data: content(1000), perBody: 10, failure: failure, joined: joined}
				cfg := s.config(t.Context())
				cfg.Retry = policy(2)
				r := rangeio.NewReader(t.Context(), cfg)
				got, err := io.ReadAll(r)
				require.NoError(t, err)
				assert.Equal(t, s.data, got)
				require.Len(t, s.offsets, 99)
				for i, offset := range s.offsets {
					require.Equal(t, int64(10*(i+1)), offset)
				}
				s.checkClosed()
				require.NoError(t, r.Close())
			})
		}
	}
}

func TestReaderStartsAtOffset(t *testing.T) {
	s := &store{t: t, data: content(100), perBody: 7}
	cfg := s.config(t.Context())
	cfg.Body = s.body(t.Context(), 20, 50)
	cfg.Offset, cfg.Size = 20, 50
	r := rangeio.NewReader(t.Context(), cfg)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, s.data[20:70], got)
	assert.Equal(t, []int64{27, 34, 41, 48, 55, 62, 69}, s.offsets)
}

func TestReaderOpensTheFirstBodyItself(t *testing.T) {
	s := &store{t: t, data: content(100)}
	r := rangeio.NewReader(t.Context(), rangeio.Config{Size: 100, Open: s.Open})
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, s.data, got)
	assert.Equal(t, []int64{0}, s.offsets)
	require.NoError(t, r.Close())
	s.checkClosed()
}

// The budget counts failures since the last byte: the break itself and those
// of each Open after it.
func TestReaderBudgetWithoutProgress(t *testing.T) {
	refused := &fs.PathError{Op: "get", Path: "x", Err: errReset}
	s := &store{t: t, data: content(100), perBody: 10, failure: errReset, onOpen: func(attempt int) error {
		// Two failures, then one body, and so on, until nothing works.
		if attempt%3 != 0 || attempt > 9 {
			return refused
		}
		return nil
	}}
	cfg := s.config(t.Context())
	cfg.Retry = policy(4) // the break, two refusals, and the try that works
	var failures []int
	p := policy(4)
	p.OnRetry = func(attempt int, _ time.Duration, _ error) { failures = append(failures, attempt) }
	cfg.Retry = p
	r := rangeio.NewReader(t.Context(), cfg)
	got, err := io.ReadAll(r)
	assert.Equal(t, s.data[:40], got)
	assert.EqualError(t, err, "after 4 attempts: get x: connection reset")
	var as *fs.PathError
	require.ErrorAs(t, err, &as)
	assert.Same(t, refused, as)
	assert.Len(t, s.offsets, 9+3)
	assert.Equal(t, []int{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}, failures)

	_, again := r.Read(make([]byte, 1))
	assert.Equal(t, err, again, "an error stays")
	s.checkClosed()
	require.NoError(t, r.Close())
	s.checkClosed()
}

func TestReaderShortBodyIsAnError(t *testing.T) {
	s := &store{t: t, data: content(100), perBody: 10}
	for name, retrier := range map[string]rangeio.Retrier{"no policy": nil, "one attempt": policy(1)} {
		t.Run(name, func(t *testing.T) {
			cfg := s.config(t.Context())
			cfg.Retry = retrier
			r := rangeio.NewReader(t.Context(), cfg)
			got, err := io.ReadAll(r)
			assert.Equal(t, s.data[:10], got)
			assert.EqualError(t, err, "body ended at byte 10, 90 too early: unexpected EOF")
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.NotErrorIs(t, err, io.EOF)
			require.NoError(t, r.Close())
		})
	}
	assert.Empty(t, s.offsets)
	s.checkClosed()
}

func TestReaderStopsAtPermanentError(t *testing.T) {
	gone := errors.New("412 precondition failed")
	s := &store{t: t, data: content(100), perBody: 10, onOpen: func(int) error { return gone }}
	r := rangeio.NewReader(t.Context(), s.config(t.Context()))
	got, err := io.ReadAll(r)
	assert.Equal(t, s.data[:10], got)
	assert.EqualError(t, err, "after 2 attempts: 412 precondition failed")
	assert.ErrorIs(t, err, gone)
	assert.Len(t, s.offsets, 1)
	require.NoError(t, r.Close())
	s.checkClosed()
}

// The error of a body counts also where it came together with bytes.
func TestReaderStopsAtPermanentErrorOfBody(t *testing.T) {
	denied := errors.New("403")
	for _, joined := range []bool{false, true} {
		s := &store{t: t, data: content(100), perBody: 10, failure: denied, joined: joined}
		r := rangeio.NewReader(t.Context(), s.config(t.Context()))
		got, err := io.ReadAll(r)
		assert.Equal(t, s.data[:10], got)
		assert.Equal(t, denied, err)
		assert.Empty(t, s.offsets)
		require.NoError(t, r.Close())
		s.checkClosed()
	}
}

// An SDK that verifies a checksum reports it at the end of the body, after
// the last byte: the reader must have heard of it before it delivers that.
func TestReaderChecksumAtEnd(t *testing.T) {
	wrong := errors.New("checksum mismatch")
	for _, joined := range []bool{false, true} {
		s := &store{t: t, data: content(100), atEnd: wrong, joined: joined}
		r := rangeio.NewReader(t.Context(), s.config(t.Context()))
		n, err := io.ReadFull(r, make([]byte, 100))
		assert.Equal(t, wrong, err)
		assert.Zero(t, n)
		require.NoError(t, r.Close())
		s.checkClosed()
	}
}

func TestReaderBodyOfNothing(t *testing.T) {
	s := &store{t: t, data: content(10)}
	cfg := s.config(t.Context())
	cfg.Body = empty{cfg.Body}
	r := rangeio.NewReader(t.Context(), cfg)
	_, err := io.ReadAll(r)
	assert.ErrorIs(t, err, io.ErrNoProgress)
	require.NoError(t, r.Close())
	s.checkClosed()
}

type empty struct{ io.ReadCloser }

func (empty) Read([]byte) (int, error) { return 0, nil }

func TestReaderZeroBytes(t *testing.T) {
	for name, withBody := range map[string]bool{"body": true, "no body": false} {
		t.Run(name, func(t *testing.T) {
			s := &store{t: t}
			cfg := s.config(t.Context())
			if !withBody {
				require.NoError(t, cfg.Body.Close())
				cfg.Body = nil
			}
			r := rangeio.NewReader(t.Context(), cfg)
			for range 3 {
				n, err := r.Read(make([]byte, 10))
				assert.Zero(t, n)
				assert.Equal(t, io.EOF, err)
			}
			require.NoError(t, r.Close())
			assert.Empty(t, s.offsets)
			s.checkClosed()
		})
	}
}

func TestReaderZeroLengthRead(t *testing.T) {
	s := &store{t: t, data: content(10)}
	r := rangeio.NewReader(t.Context(), s.config(t.Context()))
	n, err := r.Read(nil)
	assert.Zero(t, n)
	assert.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, s.data, got)
	require.NoError(t, r.Close())
}

func TestReaderClose(t *testing.T) {
	for _, read := range []int{0, 1, 50, 100} {
		s := &store{t: t, data: content(100)}
		r := rangeio.NewReader(t.Context(), s.config(t.Context()))
		_, err := io.ReadFull(r, make([]byte, read))
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		s.checkClosed()
		_, err = r.Read(make([]byte, 1))
		assert.ErrorIs(t, err, fs.ErrClosed, "after %d bytes", read)
	}
}

// Allocation must not grow with the number of Reads.
func TestReaderAllocations(t *testing.T) {
	s := &store{t: t, data: content(1 << 20)}
	r := rangeio.NewReader(t.Context(), s.config(t.Context()))
	defer r.Close()
	buf := make([]byte, 512)
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := r.Read(buf); err != nil {
			t.Error(err)
		}
	}))
}

// Any mixture of breaks ends with all the bytes.
func TestReaderRandomBreaks(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := &store{t: t, data: content(rng.IntN(500)), perBody: 1 + rng.IntN(60), chunk: rng.IntN(30),
			joined: rng.IntN(2) == 0, excess: content(rng.IntN(3))}
		if rng.IntN(2) == 0 {
			s.failure = errReset
		}
		refusals := 0
		s.onOpen = func(int) error {
			if refusals < 2 && rng.IntN(2) == 0 {
				refusals++
				return errReset
			}
			refusals = 0
			return nil
		}
		cfg := s.config(t.Context())
		cfg.Retry = policy(4)
		r := rangeio.NewReader(t.Context(), cfg)
		var got bytes.Buffer
		_, err := io.CopyBuffer(struct{ io.Writer }{&got}, r, make([]byte, 1+rng.IntN(100)))
		require.NoError(t, err, "seed %d", seed)
		require.True(t, bytes.Equal(s.data, got.Bytes()), "seed %d", seed)
		require.NoError(t, r.Close())
		s.checkClosed()
	}
}

var _ rangeio.Retrier = retry.Policy{}

func TestReaderDoneContext(t *testing.T) {
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &store{t: t, data: content(10)}
	r := rangeio.NewReader(ctx, s.config(t.Context()))
	cancel(cause)
	_, err := r.Read(make([]byte, 1))
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, cause)
	assert.Empty(t, s.offsets)
	require.NoError(t, r.Close())
	s.checkClosed()
}
