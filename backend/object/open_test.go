package object_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// reads counts requests for an object, and cuts their bodies.
type reads struct {
	*memory
	n       atomic.Int64
	cut     int64 // the first body after so many bytes, if positive
	then    func()
	fails   error // the second request
	unsized bool  // only a HEAD tells sizes
	noHead  bool

	unversioned bool
}

func (r *reads) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	n := r.n.Add(1)
	if n == 2 && r.fails != nil {
		return object.Content{}, r.fails
	}
	content, err := r.memory.Get(ctx, key, opts)
	if err == nil && n == 1 && r.cut > 0 {
		content.Body = &cutBody{content.Body, r.cut, r.then}
	}
	if r.unversioned {
		content.Version = ""
	}
	if r.unsized {
		content.Size = -1
	}
	return content, err
}

func (r *reads) Head(ctx context.Context, key, version string) (object.Object, error) {
	if r.noHead {
		return object.Object{}, fs.ErrPermission
	}
	return r.memory.Head(ctx, key, version)
}

type cutBody struct {
	io.ReadCloser
	left int64
	then func()
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left == 0 {
		if c.then != nil {
			c.then()
		}
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// client reads with as many requests at once, each for as much as a part.
func (r *reads) client(t *testing.T, requests int) *object.Client {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, testPath)
	require.NoError(t, err)
	return object.New(object.Config{Type: "memory", Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
		s := &object.Store{Bucket: r, Keys: keys}
		s.UploadThreshold, s.PartSize, s.Concurrency, s.DeleteConcurrency = 100*partSize, partSize, 1, 1
		s.ReadPool = rangeio.NewPool(int64(requests)*partSize, requests)
		return s, nil
	}, Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: 1}, Logger: slog.New(slog.DiscardHandler)})
}

func readAll(t *testing.T, c *object.Client, offset, size int64) ([]byte, error) {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
	require.NoError(t, err)
	defer r.Close()
	return io.ReadAll(r)
}

// What a read costs, and how it goes on, where the store heeds ranges and where
// it sends the whole object instead.
func TestReadCosts(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 8*partSize/16)
	for name, tt := range map[string]struct {
		unranged     bool
		unsized      bool
		unversioned  bool
		fails        error
		cut          int64
		requests     int // at once
		offset, size int64
		want, most   int64 // requests
	}{
		"in parts":                       {requests: 3, want: 9, most: 9},
		"a range in parts":               {requests: 3, offset: 100, size: 5 * partSize, want: 7, most: 7},
		"in one":                         {requests: 1, want: 1, most: 1},
		"resumed":                        {requests: 1, cut: 1000, want: 2, most: 2},
		"resumed, after a failure":       {requests: 1, cut: 1000, fails: ltxstore.ErrUnavailable, want: 3, most: 3},
		"resumed, sizes untold":          {requests: 1, cut: 1000, unsized: true, want: 2, most: 2},
		"resumed, skipping":              {requests: 1, cut: 1000, unranged: true, want: 2, most: 2},
		"not in parts of any version":    {requests: 3, unversioned: true, want: 1, most: 1},
		"a range, skipping":              {requests: 1, offset: 100, size: 500, unranged: true, want: 1, most: 1},
		"in parts, which are not heeded": {requests: 3, unranged: true, want: 2, most: 5}, // 3 and one ahead, before the first tells, and one for the rest
	} {
		t.Run(name, func(t *testing.T) {
			r := &reads{memory: newMemory(object.Traits{}), cut: tt.cut}
			r.unranged, r.unsized, r.unversioned, r.fails = tt.unranged, tt.unsized, tt.unversioned, tt.fails
			client := r.client(t, tt.requests)
			_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body))
			require.NoError(t, err)
			got, err := readAll(t, client, tt.offset, tt.size)
			require.NoError(t, err)
			want := body[tt.offset:]
			if tt.size > 0 {
				want = want[:tt.size]
			}
			assert.True(t, bytes.Equal(want, got))
			assert.GreaterOrEqual(t, r.n.Load(), tt.want)
			assert.LessOrEqual(t, r.n.Load(), tt.most)
			if tt.unranged {
				before := r.n.Load()
				_, err = readAll(t, client, 0, 0)
				require.NoError(t, err)
				assert.EqualValues(t, 1, r.n.Load()-before, "it is remembered")
			}
		})
	}
}

// A size that only a HEAD tells, and that fails, fails the read.
func TestSizeCannotBeFound(t *testing.T) {
	r := &reads{memory: newMemory(object.Traits{}), unsized: true, noHead: true}
	client := r.client(t, 1)
	_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
	require.NoError(t, err)
	_, err = client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrPermission)
}

// A file that cannot be read is not stored.
func TestBodyCannotBeRead(t *testing.T) {
	r := &reads{memory: newMemory(object.Traits{})}
	name := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(name, []byte("body"), 0o600))
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = r.client(t, 1).WriteLTXFile(t.Context(), 0, 1, 1, f)
	var failed *fs.PathError
	require.ErrorAs(t, err, &failed)
	assert.Empty(t, r.objects)
}

// A read that is resumed does not go on in another version.
func TestReplacedWhileRead(t *testing.T) {
	for name, size := range map[string]int{"smaller": 500, "as large": 2000, "larger": 4000} {
		t.Run(name, func(t *testing.T) {
			r := &reads{memory: newMemory(object.Traits{}), cut: 1000}
			client := r.client(t, 1)
			write := func(size int) {
				_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(bytes.Repeat([]byte{byte(size)}, size)))
				require.NoError(t, err)
			}
			write(2000)
			r.then = func() { write(size) }
			_, err := readAll(t, client, 0, 0)
			require.ErrorContains(t, err, "replaced")
			assert.False(t, ltxstore.IsRetryable(err))
			assert.EqualValues(t, 2, r.n.Load())
		})
	}
}

// halfHead is a bucket behind a proxy: its first answer to a HEAD has no size.
type halfHead struct {
	reads
	heads atomic.Int64
}

func (s *halfHead) Head(ctx context.Context, key, version string) (object.Object, error) {
	o, err := s.reads.Head(ctx, key, version)
	if s.heads.Add(1) == 1 {
		o.Size = -1
	}
	return o, err
}

// Properties without a size are asked for again.
func TestPropertiesWithoutSize(t *testing.T) {
	s := newScripted(object.Traits{})
	bucket := &halfHead{reads: reads{memory: s.memory, unsized: true}}
	client := s.client(t, bucket, false)
	_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("0123456789"))
	require.NoError(t, err)
	r, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 4, 3)
	require.NoError(t, err)
	defer r.Close()
	body, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "456", string(body))
	assert.EqualValues(t, 2, bucket.heads.Load())
}

// asked keeps the sizes of ranges.
type asked struct {
	*memory
	sizes []int64
}

func (a *asked) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	a.sizes = append(a.sizes, opts.Size)
	return a.memory.Get(ctx, key, opts)
}

// A range beyond the largest offset is asked for to the end.
func TestRangeToTheEnd(t *testing.T) {
	s := newScripted(object.Traits{})
	bucket := &asked{memory: s.memory}
	client := s.client(t, bucket, false)
	_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("0123456789"))
	require.NoError(t, err)
	for _, size := range []int64{math.MaxInt64 - 4, math.MaxInt64 - 3} {
		r, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 4, size)
		require.NoError(t, err)
		body, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, "456789", string(body))
		require.NoError(t, r.Close())
	}
	assert.Equal(t, []int64{math.MaxInt64 - 4, 0}, bucket.sizes)
}
