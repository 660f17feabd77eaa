package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/httpfault"
	"github.com/ltxstore/ltxstore/internal/s3fake"
)

// A request that is cancelled ends at once while the service lacks the end of
// the body, which it then never gets; else it has time for its answer.
func TestSending(t *testing.T) {
	const size = 100
	for _, test := range []struct {
		name   string
		before func(t *testing.T, s *sending)
		whole  bool
	}{
		{"nothing sent", func(*testing.T, *sending) {}, false},
		{"but the last byte", func(t *testing.T, s *sending) {
			_, err := io.ReadFull(s, make([]byte, size-1))
			require.NoError(t, err)
		}, false},
		{"all", func(t *testing.T, s *sending) {
			_, err := io.ReadFull(s, make([]byte, size))
			require.NoError(t, err)
		}, true},
		{"summed", func(t *testing.T, s *sending) {
			_, err := s.WriteTo(io.Discard)
			require.NoError(t, err)
			_, err = s.Seek(0, io.SeekStart)
			require.NoError(t, err)
		}, false},
		{"again", func(t *testing.T, s *sending) {
			_, err := io.ReadFull(s, make([]byte, size))
			require.NoError(t, err)
			_, err = s.Seek(0, io.SeekStart)
			require.NoError(t, err)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSending(bytes.NewReader(make([]byte, size)), size)
				parent, cancel := context.WithCancel(t.Context())
				ctx, done := s.outlive(parent)
				defer done()
				test.before(t, s)
				began := time.Now()
				cancel()
				<-ctx.Done()
				want := time.Duration(0)
				if test.whole {
					want = answerGrace
				}
				assert.Equal(t, want, time.Since(began))
				_, err := s.Read(make([]byte, 1))
				assert.ErrorIs(t, err, context.Canceled)
			})
		})
	}
}

// The end of a body that is being read when the request is cancelled stays
// here.
func TestSendingCutsWhileReading(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	var ctx context.Context
	src := &countedSource{Reader: bytes.NewReader([]byte("body"))}
	src.after = func() {
		cancel()
		<-ctx.Done()
	}
	s := newSending(struct {
		io.Reader
		io.Seeker
	}{Reader: src}, 4)
	ctx, done := s.outlive(parent)
	defer done()
	n, err := s.Read(make([]byte, 4))
	assert.Zero(t, n)
	assert.ErrorIs(t, err, context.Canceled)
}

// A file whose write was said to fail does not appear after that (W3).
func TestCancelledWriteDoesNotAppear(t *testing.T) {
	body := ltxBody(t, 4096)
	ctx, cancel := cancelled(t)
	served := make(chan struct{})
	w := newWriteBench(t, s3fake.Options{}, nil)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "PutObject"},
		Do: func(x httpfault.Exchange, rw http.ResponseWriter, r *http.Request) {
			defer close(served)
			whole, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			r.Body = io.NopCloser(bytes.NewReader(whole))
			cancel()
			x.Next.ServeHTTP(rw, r)
		}})
	_, err := w.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(body))
	<-served
	require.NoError(t, err)
	w.holds(t, body)
}
