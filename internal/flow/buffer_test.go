package flow

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuffer(t *testing.T) {
	for _, size := range []int{0, 1, smallBuffer - 1, smallBuffer, smallBuffer + 1, mediumBuffer, mediumBuffer + 1, largeBuffer, largeBuffer + 1, 2 * largeBuffer, 3*largeBuffer + 1} {
		body := bytes.Repeat([]byte{1, 2, 3, 5, 7, 11, 13}, size/7+1)[:size]
		for _, want := range []int64{0, int64(size), int64(size) + 1} {
			var f Buffer
			end, err := f.Fill(struct{ io.Reader }{bytes.NewReader(body)}, int64(size)+1, want)
			require.NoError(t, err)
			assert.True(t, end, "%d", size)
			assert.EqualValues(t, size, f.Len())
			assert.True(t, bytes.Equal(body, content(t, &f)))
			f.Free()

			r := bytes.NewReader(append(body, 1, 2))
			end, err = f.Fill(struct{ io.Reader }{r}, int64(size), want)
			require.NoError(t, err)
			assert.False(t, end, "there is more")
			assert.True(t, bytes.Equal(body, content(t, &f)), "a buffer takes what it may, %d", size)
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

func content(t *testing.T, f *Buffer) []byte {
	t.Helper()
	all, err := io.ReadAll(f.Reader())
	require.NoError(t, err)
	return all
}

// A buffer of any number of blocks is read at any offset, and drained, like any reader.
func TestBufferReads(t *testing.T) {
	random := rand.NewChaCha8([32]byte{})
	for _, size := range []int{1, smallBuffer, largeBuffer, largeBuffer + 1, 2 * largeBuffer, 2*largeBuffer + 12345} {
		body := make([]byte, size)
		_, _ = random.Read(body)
		var f Buffer
		end, err := f.Fill(iotest.HalfReader(bytes.NewReader(body)), int64(size)+1, 0)
		require.NoError(t, err)
		require.True(t, end)
		at := f.Reader().(io.ReaderAt)
		for _, offset := range []int{0, 1, size - 1, size, size + 1, largeBuffer - 1, largeBuffer, largeBuffer + 1, 2 * largeBuffer} {
			got := make([]byte, 2*largeBuffer)
			n, err := at.ReadAt(got, int64(offset))
			want := body[min(offset, size):]
			want = want[:min(len(want), len(got))]
			assert.True(t, bytes.Equal(want, got[:n]), "%d of %d", offset, size)
			assert.Equal(t, n < len(got), err == io.EOF, "%d of %d", offset, size)
		}
		all, err := io.ReadAll(Drain(&f, bytes.NewReader([]byte("the rest"))))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(append(body, "the rest"...), all), size)
		assert.Zero(t, f.Len(), "freed")
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

// A block has the smallest size that is enough, at most the largest, and goes back to the
// pool that it is from.
func TestAllocate(t *testing.T) {
	for n, want := range map[int64]int{
		1: smallBuffer, smallBuffer: smallBuffer, smallBuffer + 1: mediumBuffer, mediumBuffer: mediumBuffer,
		mediumBuffer + 1: largeBuffer, largeBuffer: largeBuffer, largeBuffer + 1: largeBuffer,
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
