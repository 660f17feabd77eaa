package rangeio_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/retry"
)

var errReset = errors.New("connection reset")

// store serves one file, and counts and checks how it is read.
type store struct {
	t    *testing.T
	data []byte

	perBody int                     // bytes after which a body breaks; 0: never
	failure error                   // how it breaks: nil is an early io.EOF
	joined  bool                    // the failure comes together with the last bytes
	excess  []byte                  // what follows the range
	atEnd   error                   // instead of io.EOF
	onOpen  func(attempt int) error // may fail an Open
	stallAt int64                   // the offset from which bodies deliver nothing; 0: never
	chunk   int                     // the most that one Read delivers; 0: no limit

	mu      sync.Mutex
	offsets []int64 // of each Open
	bodies  []*body
}

// Open is rangeio.Config's.
func (s *store) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	s.mu.Lock()
	s.offsets = append(s.offsets, offset)
	attempt := len(s.offsets)
	s.mu.Unlock()
	assert.Positive(s.t, length)
	assert.NoError(s.t, ctx.Err(), "opened under a context that is done")
	if s.onOpen != nil {
		if err := s.onOpen(attempt); err != nil {
			return nil, err
		}
	}
	return s.body(ctx, offset, length), nil
}

func (s *store) body(ctx context.Context, offset, length int64) *body {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &body{store: s, ctx: ctx, at: offset, left: s.data[offset : offset+length], closing: make(chan struct{})}
	if s.perBody > 0 && s.perBody < len(b.left) {
		b.left, b.breaks = b.left[:s.perBody], true
	} else {
		b.left = append(b.left[:len(b.left):len(b.left)], s.excess...)
	}
	s.bodies = append(s.bodies, b)
	return b
}

// checkClosed fails the test unless every body has been closed exactly once.
func (s *store) checkClosed() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range s.bodies {
		assert.Equal(s.t, 1, b.closed(), "closes of body %d", i)
	}
}

// config is that of a transfer of the whole file whose first body comes from
// the store under ctx, with a policy that never sleeps.
func (s *store) config(ctx context.Context) rangeio.Config {
	ctx, cancel := context.WithCancel(ctx)
	return rangeio.Config{
		Body:   s.body(ctx, 0, int64(len(s.data))),
		Cancel: cancel,
		Size:   int64(len(s.data)),
		Open:   s.Open,
		Retry:  policy(3),
	}
}

func policy(attempts int) retry.Policy {
	return retry.Policy{
		MaxAttempts: attempts,
		Retryable: func(err error) bool {
			var timeout interface{ Timeout() bool }
			return errors.Is(err, errReset) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &timeout)
		},
	}
}

// body obeys its context while it is read, as a body of net/http does.
type body struct {
	store  *store
	ctx    context.Context
	at     int64
	left   []byte
	breaks bool

	mu      sync.Mutex
	closes  int
	closing chan struct{}
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	s := b.store
	if s.stallAt > 0 && b.at >= s.stallAt {
		return 0, b.block()
	}
	if s.chunk > 0 {
		p = p[:min(len(p), s.chunk)]
	}
	if s.stallAt > b.at {
		p = p[:min(int64(len(p)), s.stallAt-b.at)]
	}
	n := copy(p, b.left)
	b.left, b.at = b.left[n:], b.at+int64(n)
	if len(b.left) > 0 || n > 0 && !s.joined {
		return n, nil
	}
	switch {
	case b.breaks && s.failure != nil:
		return n, s.failure
	case !b.breaks && s.atEnd != nil:
		return n, s.atEnd
	}
	return n, io.EOF
}

func (b *body) block() error {
	select {
	case <-b.ctx.Done():
		return b.ctx.Err()
	case <-b.closing:
		return errors.New("read on closed body")
	}
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closes++; b.closes == 1 {
		close(b.closing)
	}
	return nil
}

func (b *body) closed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closes
}

// soon waits for a channel that a correct reader closes at once.
func soon(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("never: " + what)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// fromHeader returns the offset of a Range header without an end.
func fromHeader(header string) (int, error) {
	if header == "" {
		return 0, nil
	}
	return strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(header, "bytes="), "-"))
}
