package object

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request that is cancelled ends at once while the store lacks the end of
// the body, which it then never gets; else it has time for its answer.
func TestBodyOutlive(t *testing.T) {
	const size = 100
	read := func(n int) func(*Body) error {
		return func(b *Body) error { _, err := io.ReadFull(b, make([]byte, n)); return err }
	}
	copied := func(b *Body) error { _, err := b.WriteTo(io.Discard); return err }
	seek := func(offset int64, whence int) func(*Body) error {
		return func(b *Body) error { _, err := b.Seek(offset, whence); return err }
	}
	for _, test := range []struct {
		name  string
		steps []func(*Body) error
		whole bool
	}{
		{"nothing sent", nil, false},
		{"all but the last byte", []func(*Body) error{read(size - 1)}, false},
		{"all", []func(*Body) error{read(size)}, true},
		{"all, in two reads", []func(*Body) error{read(size - 1), read(1)}, true},
		{"copied", []func(*Body) error{copied}, true},
		{"summed and rewound", []func(*Body) error{copied, seek(0, io.SeekStart)}, false},
		{"to be sent again", []func(*Body) error{read(size), seek(0, io.SeekStart)}, false},
		{"sent again", []func(*Body) error{read(size), seek(0, io.SeekStart), read(size)}, true},
		{"the size asked for", []func(*Body) error{seek(0, io.SeekEnd), seek(0, io.SeekStart)}, false},
		{"the rest", []func(*Body) error{seek(-1, io.SeekEnd), read(1)}, true},
		{"all but the rest", []func(*Body) error{seek(-2, io.SeekEnd), read(1)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := NewBody(make([]byte, size))
				assert.EqualValues(t, size, b.Size())
				parent, cancel := context.WithCancel(t.Context())
				ctx, done := b.outlive(parent)
				defer done()
				for _, step := range test.steps {
					require.NoError(t, step(b))
				}
				began := time.Now()
				cancel()
				<-ctx.Done()
				want := time.Duration(0)
				if test.whole {
					want = answerGrace
				}
				assert.Equal(t, want, time.Since(began))
				_, err := b.Read(make([]byte, 1))
				assert.ErrorIs(t, err, context.Canceled)
			})
		})
	}
}

// The end of a body that is being read when the request is cancelled is not
// sent.
func TestBodyCutWhileReading(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	var ctx context.Context
	b := newBody(&endingReader{ReadSeeker: bytes.NewReader([]byte("body")), after: func() {
		cancel()
		<-ctx.Done()
	}}, 4)
	ctx, done := b.outlive(parent)
	defer done()
	n, err := b.Read(make([]byte, 4))
	assert.Zero(t, n)
	assert.ErrorIs(t, err, context.Canceled)
}

// endingReader calls after behind each Read.
type endingReader struct {
	io.ReadSeeker
	after func()
}

func (r *endingReader) Read(p []byte) (int, error) {
	n, err := r.ReadSeeker.Read(p)
	r.after()
	return n, err
}

// A Seek that fails leaves the body where it was.
func TestBodySeekFails(t *testing.T) {
	b := NewBody([]byte("body"))
	_, err := b.Seek(-1, io.SeekStart)
	require.Error(t, err)
	assert.EqualValues(t, 4, b.left.Load())
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	assert.Equal(t, "body", string(got))
}
