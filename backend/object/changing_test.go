package object_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// changing changes the caller's file when the first request with a body begins.
type changing struct {
	parted
	once   sync.Once
	change func()
}

func (c *changing) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	c.once.Do(c.change)
	return c.parted.Put(ctx, key, body, opts)
}

func (c *changing) PutPart(ctx context.Context, u object.Upload, number int, body *object.Body) (object.Part, error) {
	c.once.Do(c.change)
	return c.parted.PutPart(ctx, u, number, body)
}

// changingStream is a changing with a stream of the store's in place of parts.
type changingStream struct {
	streamed
	change func()
}

func (c changingStream) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	c.change()
	return c.streamed.PutStream(ctx, key, body, opts, retry)
}

// A file that is read in place is refused when it has grown or shrunk since the
// write began, however it is sent, and nothing of it is stored.
func TestFileChangesWhileItIsSent(t *testing.T) {
	const small, large = partSize / 2, 3*partSize + 17
	for name, tt := range map[string]struct {
		size   int
		bucket func(m *memory, change func()) object.Bucket
	}{
		"one request":    {small, func(m *memory, change func()) object.Bucket { return &changing{parted: parted{m}, change: change} }},
		"a full request": {partSize, func(m *memory, change func()) object.Bucket { return &changing{parted: parted{m}, change: change} }},
		"parts":          {large, func(m *memory, change func()) object.Bucket { return &changing{parted: parted{m}, change: change} }},
		"full parts":     {3 * partSize, func(m *memory, change func()) object.Bucket { return &changing{parted: parted{m}, change: change} }},
		"a stream":       {large, func(m *memory, change func()) object.Bucket { return changingStream{streamed{m}, change} }},
	} {
		for _, by := range []int{1, 5000, -1} {
			for _, start := range []int{0, 7} {
				m := newMemory(object.Traits{})
				path := filepath.Join(t.TempDir(), "body")
				require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("abcdefg"), start+tt.size)[:start+tt.size], 0o600))
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				require.NoError(t, err)
				defer f.Close()
				_, err = f.Seek(int64(start), 0)
				require.NoError(t, err)

				changed := false
				c := (&scripted{parted: parted{m}}).client(t, tt.bucket(m, func() {
					changed = true
					assert.NoError(t, os.Truncate(path, int64(start+tt.size+by)))
				}), false)
				_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, f)
				require.ErrorIs(t, err, fs.ErrInvalid, "%s, %+d bytes", name, by)
				assert.True(t, changed)
				assert.Empty(t, m.bodies, name)
				assert.Empty(t, m.uploads, name)
			}
		}
	}
}

// sums is a store of streams that computes the hash by itself, and of the rest that it does
// not read not at all.
type sums struct {
	streamed
	read int64
	got  []byte
}

func (s *sums) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	r, hash := body.Unsummed()
	content, err := io.ReadAll(io.LimitReader(r, s.read))
	if err != nil {
		return object.Object{}, err
	}
	before := body.Sum()
	if _, err := hash.Write(content); err != nil {
		return object.Object{}, err
	}
	if bytes.Equal(before, body.Sum()) {
		return object.Object{}, errors.New("it was summed")
	}
	done, err := s.streamed.PutStream(ctx, key, body, opts, retry)
	s.got = body.Sum()
	return done, err
}

// A stream may be summed by the store, and what is read after that is summed too.
func TestStreamUnsummed(t *testing.T) {
	content := bytes.Repeat([]byte("abcdefg"), partSize)
	m := newMemory(object.Traits{NewHash: sha256.New})
	store := &sums{streamed: streamed{m}, read: 1000}
	_, err := (&scripted{parted: parted{m}}).client(t, store, false).WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(content))
	require.ErrorIs(t, err, ltxstore.ErrChecksum, "the beginning is missing")
	want := sha256.Sum256(content)
	assert.Equal(t, want[:], store.got)
}
