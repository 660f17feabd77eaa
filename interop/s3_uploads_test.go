package interop_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend"
)

// stopping is a body that calls stop after so many bytes, and then fails with
// its error; a nil error lets it go on to the end.
type stopping struct {
	left int
	stop func() error
	rest int
}

func (s *stopping) Read(p []byte) (int, error) {
	if s.left == 0 && s.stop != nil {
		stop := s.stop
		s.stop = nil
		if err := stop(); err != nil {
			return 0, err
		}
		s.left = s.rest
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), s.left, 64<<10)
	clear(p[:n])
	s.left -= n
	return n, nil
}

// TestS3NoUploadStays: a write that fails or is cancelled after parts of it
// are on the server leaves no file and no unfinished upload.
func TestS3NoUploadStays(t *testing.T) {
	eachServer(t, func(t *testing.T, s *space) {
		client := s.client(t, "uploads/db")
		keys, err := backend.NewKeys(s.layout, "uploads/db")
		require.NoError(t, err)
		key := keys.File(0, 5, 5)
		uploads := func() []string {
			found, err := s.bucket.Uploads(context.WithoutCancel(t.Context()), key)
			require.NoError(t, err)
			return found
		}
		errBroken := errors.New("the source is broken")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, tc := range []struct {
			name string
			ctx  context.Context
			stop error
			want error
			do   func()
		}{
			{"failed", t.Context(), errBroken, errBroken, func() {}},
			{"cancelled", ctx, nil, context.Canceled, cancel},
		} {
			underWay := 0
			body := &stopping{left: 2*partSize + partSize/2, rest: 4 * partSize, stop: func() error {
				eventually(t, "an upload is under way", func() bool { underWay = len(uploads()); return underWay > 0 })
				tc.do()
				return tc.stop
			}}
			_, err := client.WriteLTXFile(tc.ctx, 0, 5, 5, body)
			require.ErrorIs(t, err, tc.want, tc.name)
			assert.Equal(t, 1, underWay, tc.name)
			assert.Empty(t, uploads(), tc.name)
			found, err := s.bucket.Keys(t.Context(), "")
			require.NoError(t, err)
			assert.Empty(t, found, tc.name)
		}
	})
}

// TestS3NoUploadStaysUnderLoad: parts that are cut off while the server is busy
// may arrive late, and bring back an upload that was aborted before.
func TestS3NoUploadStaysUnderLoad(t *testing.T) {
	const writers = 12
	eachServer(t, func(t *testing.T, s *space) {
		client := s.client(t, "busy/db")
		keys, err := backend.NewKeys(s.layout, "busy/db")
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := 1; i <= writers; i++ {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				// Cancelled when some parts are sent, some are under way and
				// one is being read.
				body := &stopping{left: (2+i%3)*partSize + i*10_000, rest: partSize, stop: func() error { cancel(); return nil }}
				_, err := client.WriteLTXFile(ctx, 0, txid(i), txid(i), body)
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		wg.Wait()
		for i := 1; i <= writers; i++ {
			uploads, err := s.bucket.Uploads(t.Context(), keys.File(0, txid(i), txid(i)))
			require.NoError(t, err)
			assert.Empty(t, uploads)
		}
		found, err := s.bucket.Keys(t.Context(), "")
		require.NoError(t, err)
		assert.Empty(t, found)
	})
}
