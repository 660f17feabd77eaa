package ltxio_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func TestSize(t *testing.T) {
	past := strings.NewReader("four")
	_, err := past.Seek(3, io.SeekStart)
	require.NoError(t, err)
	for _, tt := range []struct {
		r    io.Reader
		want int64
	}{
		{strings.NewReader("four"), 4}, {bytes.NewBufferString("four"), 4}, {past, 1}, {io.NewSectionReader(past, 1, 2), 2},
		{only{past}, -1}, {nil, -1}, {&seeker{Reader: bytes.NewReader([]byte("x")), failAt: 1}, -1},
		// Files of /proc say 0 and have content.
		{strings.NewReader(""), -1}, {&bytes.Buffer{}, -1},
	} {
		got, err := ltxio.Size(tt.r)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, "%T", tt.r)
	}
	_, err = ltxio.Size(oneWaySeeker{bytes.NewReader([]byte("a body"))})
	assert.ErrorIs(t, err, errOneWay)
}

func TestWhole(t *testing.T) {
	for _, size := range []int64{-1, 4} {
		require.NoError(t, iotest.TestReader(ltxio.Whole(t.Context(), strings.NewReader("four"), size), []byte("four")))
		require.NoError(t, iotest.TestReader(ltxio.Whole(t.Context(), iotest.OneByteReader(strings.NewReader("four")), size), []byte("four")))
	}
	for told, want := range map[int64]string{
		0: "body is longer than 0 bytes, its size when the write began",
		3: "body is longer than 3 bytes, its size when the write began",
		5: "body ends after 4 bytes: it had 5 when the write began",
	} {
		for _, r := range []io.Reader{strings.NewReader("four"), iotest.DataErrReader(strings.NewReader("four")), iotest.OneByteReader(strings.NewReader("four"))} {
			whole := ltxio.Whole(t.Context(), r, told)
			_, err := io.ReadAll(whole)
			require.EqualError(t, err, want)
			assert.ErrorIs(t, err, fs.ErrInvalid)
			_, again := whole.Read(make([]byte, 1))
			assert.Equal(t, err, again)
		}
	}
}

// A source without end is not read to it.
func TestWholeOfAGrowingSource(t *testing.T) {
	n, err := io.Copy(io.Discard, ltxio.Whole(t.Context(), readFunc(func(p []byte) (int, error) { return len(p), nil }), 100))
	assert.ErrorContains(t, err, "longer than 100 bytes")
	assert.LessOrEqual(t, n, int64(1<<20))
}

func TestWholeRefusesImpossibleCounts(t *testing.T) {
	for _, n := range []int{-1, 11} {
		_, err := ltxio.Whole(t.Context(), readFunc(func([]byte) (int, error) { return n, nil }), -1).Read(make([]byte, 10))
		assert.ErrorContains(t, err, "impossible count")
	}
}

func TestWholeOfASourceThatReturnsNothing(t *testing.T) {
	reads := 0
	w := ltxio.Whole(t.Context(), readFunc(func(p []byte) (int, error) {
		if reads++; reads == flow.MaxEmptyReads {
			return 1, nil
		}
		return 0, nil
	}), -1)
	_, err := w.Read(nil)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, w)
	assert.ErrorIs(t, err, io.ErrNoProgress)
	assert.EqualValues(t, 1, n)
	assert.Equal(t, 2*flow.MaxEmptyReads+1, reads)
}

// The context is what has ended a source that gives up when it does: neither is
// the body empty nor its header cut.
func TestPeekOfASourceThatGivesUp(t *testing.T) {
	for _, n := range []int{0, 1, 50} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := ltxio.Peek(ctx, io.MultiReader(bytes.NewReader(header(t, nil)[:n]), readFunc(func([]byte) (int, error) {
			cancel()
			return 0, io.EOF
		})), 3, 5)
		assert.Equal(t, context.Canceled, err, "after %d bytes", n)
	}
}

func TestPeekedBodyHasTheReportedSize(t *testing.T) {
	whole := append(header(t, nil), "page"...)
	for name, open := range map[string]func() io.Reader{
		"seeker": func() io.Reader { return io.NewSectionReader(bytes.NewReader(whole), 0, int64(len(whole))+1) },
		"Len":    func() io.Reader { return sized{bytes.NewReader(whole), len(whole) + 1} },
	} {
		b, err := ltxio.Peek(t.Context(), open(), 3, 5)
		require.NoError(t, err, name)
		_, err = io.ReadAll(b.Reader)
		var wrong *ltxio.SizeError
		assert.ErrorAs(t, err, &wrong, name)
	}
	_, err := ltxio.Peek(t.Context(), sized{bytes.NewReader(whole[:10]), len(whole)}, 3, 5)
	assert.EqualError(t, err, "body ends after 10 bytes: it had 104 when the write began")
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// sized claims a length.
type sized struct {
	io.Reader
	n int
}

func (s sized) Len() int { return s.n }
