package flow

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuffer(t *testing.T) {
	for _, size := range []int{0, 1, smallBuffer - 1, smallBuffer, smallBuffer + 1, mediumBuffer, mediumBuffer + 1, largeBuffer, largeBuffer + 1} {
		body := bytes.Repeat([]byte{1, 2, 3, 5, 7, 11, 13}, size/7+1)[:size]
		for _, want := range []int64{0, int64(size), int64(size) + 1} {
			var f Buffer
			end, err := f.Fill(struct{ io.Reader }{bytes.NewReader(body)}, int64(size)+1, want)
			require.NoError(t, err)
			assert.True(t, end, "%d", size)
			assert.Len(t, f.B, size)
			assert.True(t, bytes.Equal(body, f.B))
			f.Free()

			r := bytes.NewReader(append(body, 1, 2))
			end, err = f.Fill(struct{ io.Reader }{r}, int64(size), want)
			require.NoError(t, err)
			assert.False(t, end, "there is more")
			assert.True(t, bytes.Equal(body, f.B), "a buffer takes what it may, %d", size)
			assert.Equal(t, 2, r.Len())
			f.Free()
		}
	}
	for _, tt := range []struct {
		r    io.Reader
		want error
	}{
		{noProgress{}, io.ErrNoProgress},
		{iotest.ErrReader(io.ErrClosedPipe), io.ErrClosedPipe},
	} {
		var f Buffer
		end, err := f.Fill(io.MultiReader(bytes.NewReader([]byte("some")), tt.r), 10, 0)
		require.ErrorIs(t, err, tt.want)
		assert.False(t, end)
		assert.Equal(t, "some", string(f.B))
		f.Free()
	}
}

// A reader may yield nothing for a while, again and again, but not for good.
func TestBufferWaitsForBytes(t *testing.T) {
	for pause, want := range map[int]error{0: nil, 1: nil, MaxEmptyReads: nil, MaxEmptyReads + 1: io.ErrNoProgress} {
		var f Buffer
		_, err := f.Fill(&pausing{r: bytes.NewReader([]byte("abc")), pause: pause}, 3, 0)
		assert.Equal(t, want, err, pause)
		f.Free()
	}
}

// pausing yields nothing for a number of reads before each byte.
type pausing struct {
	r           io.Reader
	pause, done int
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.done++; p.done <= p.pause {
		return 0, nil
	}
	p.done = 0
	return p.r.Read(b[:1])
}

// A buffer has the smallest size from the pools that is enough, and goes back
// to the pool that it is from.
func TestAllocate(t *testing.T) {
	for n, want := range map[int64]int{
		1: smallBuffer, smallBuffer: smallBuffer, smallBuffer + 1: mediumBuffer, mediumBuffer: mediumBuffer,
		mediumBuffer + 1: largeBuffer, largeBuffer: largeBuffer, largeBuffer + 1: largeBuffer + 1,
	} {
		b := allocate(n)
		assert.Empty(t, b)
		assert.Equal(t, want, cap(b), n)
		release(b)
	}
	release(nil)
}

type noProgress struct{}

func (noProgress) Read([]byte) (int, error) { return 0, nil }

func TestDrain(t *testing.T) {
	for _, rest := range []io.Reader{nil, bytes.NewReader([]byte("the rest"))} {
		var f Buffer
		_, err := f.Fill(bytes.NewReader([]byte("the first, ")), 100, 0)
		require.NoError(t, err)
		want := "the first, "
		if rest != nil {
			want += "the rest"
		}
		require.NoError(t, iotest.TestReader(Drain(&f, rest), []byte(want)))
		assert.Nil(t, f.B, "freed")
		f.Free()
	}
}

// A small body costs one small buffer, from the pool.
func TestBufferIsPooled(t *testing.T) {
	body := make([]byte, 4096)
	src := bytes.NewReader(body)
	allocs := testing.AllocsPerRun(1000, func() {
		src.Reset(body)
		var f Buffer
		if _, err := f.Fill(src, 5<<20, 0); err != nil || cap(f.B) != smallBuffer {
			t.Fatalf("a buffer of %d bytes, %v", cap(f.B), err)
		}
		f.Free()
	})
	assert.LessOrEqual(t, allocs, 1.5)
}
