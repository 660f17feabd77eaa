package body

import (
	"bytes"
	"cmp"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func plainBody(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i>>16 ^ i>>8*7 ^ i*31)
	}
	return b
}

func TestBuffer(t *testing.T) {
	for _, size := range []int{0, 1, smallChunk - 1, smallChunk, smallChunk + 1, smallChunk + 3*mediumChunk, smallChunk + 3*mediumChunk + 2*largeChunk + 1} {
		body := plainBody(size)
		b := NewBuffer()
		end, err := b.Fill(iotest.HalfReader(bytes.NewReader(body)), 1<<30)
		require.NoError(t, err)
		assert.True(t, end)
		assert.EqualValues(t, size, b.size)
		require.NoError(t, iotest.TestReader(b.Reader(), body))

		rest := Drain(b, bytes.NewReader([]byte("the rest")))
		require.NoError(t, iotest.TestReader(rest, append(body, "the rest"...)))
		assert.Empty(t, b.chunks)
		b.Free()
		b.Free()
	}
}

func TestBufferLimit(t *testing.T) {
	b := NewBuffer()
	defer b.Free()
	src := bytes.NewReader(plainBody(100_000))
	for _, limit := range []int64{10, 10, 9000, 50_000} {
		end, err := b.Fill(src, limit)
		require.NoError(t, err)
		assert.False(t, end)
		assert.Equal(t, limit, b.size)
	}
	assert.Equal(t, 50_000, src.Len(), "nothing is read beyond the limit")
	got, err := io.ReadAll(b.Reader())
	require.NoError(t, err)
	assert.Equal(t, plainBody(100_000)[:50_000], got)

	for _, failure := range []error{nil, io.ErrClosedPipe} {
		end, err := b.Fill(iotest.ErrReader(failure), 60_000)
		assert.Equal(t, cmp.Or(failure, io.ErrNoProgress), err)
		assert.False(t, end)
	}
}

// A small body costs one small chunk, from the pool.
func TestBufferIsPooled(t *testing.T) {
	body := plainBody(4096)
	src := bytes.NewReader(body)
	allocs := testing.AllocsPerRun(1000, func() {
		src.Reset(body)
		b := NewBuffer()
		if _, err := b.Fill(src, 5<<20); err != nil || cap(b.chunks[0]) != smallChunk || len(b.chunks) != 1 {
			t.Fatalf("a buffer of %d chunks, %v", len(b.chunks), err)
		}
		b.Free()
	})
	assert.LessOrEqual(t, allocs, 1.5, "the buffer itself")
}

func TestSeekWithin(t *testing.T) {
	b := NewBuffer()
	defer b.Free()
	_, err := b.Fill(bytes.NewReader(plainBody(100)), 1000)
	require.NoError(t, err)
	r := b.Reader()
	for _, tt := range []struct {
		offset int64
		whence int
		want   int64
	}{{10, io.SeekStart, 10}, {5, io.SeekCurrent, 15}, {-100, io.SeekEnd, 0}, {0, io.SeekEnd, 100}} {
		at, err := r.Seek(tt.offset, tt.whence)
		require.NoError(t, err)
		assert.Equal(t, tt.want, at)
	}
	for _, bad := range []int64{-1, 101} {
		_, err := r.Seek(bad, io.SeekStart)
		assert.Error(t, err)
	}
}
