package body

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func plainBody(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i>>16 ^ i>>8*7 ^ i*31)
	}
	return b
}

// seeker hides every method but Read and Seek.
type seeker struct{ io.ReadSeeker }

func sourceOf(t *testing.T, r io.Reader) (*Source, *error) {
	var stopped error
	return NewSource(t.Context(), func(err error) { stopped = err }, r), &stopped
}

func TestReadInPlace(t *testing.T) {
	body := plainBody(100_000)
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, body, 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()

	for name, tt := range map[string]struct {
		r        io.ReadSeeker
		parallel bool
	}{
		"file":   {file, true},
		"bytes":  {bytes.NewReader(body), true},
		"string": {strings.NewReader(string(body)), true},
		// Its Read may not be what a promoted ReadAt yields.
		"seeker": {seeker{bytes.NewReader(body)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.r.Seek(10, io.SeekStart)
			require.NoError(t, err)
			src, _ := sourceOf(t, tt.r)
			whole, err := ReadInPlace(src.Reader(), int64(len(body)-10))
			require.NoError(t, err)
			require.NotNil(t, whole)
			assert.Equal(t, tt.parallel, whole.Parallel())
			assert.EqualValues(t, len(body)-10, whole.Size())
			for range 2 {
				require.NoError(t, iotest.TestReader(whole.Section(7, 5000), body[17:5017]))
			}
			assert.NoError(t, whole.Finish(nil))
			at, err := tt.r.Seek(0, io.SeekCurrent)
			require.NoError(t, err)
			assert.EqualValues(t, len(body), at, "as reading leaves it")

			rest, err := whole.Rewind()
			require.NoError(t, err)
			got, err := io.ReadAll(rest)
			require.NoError(t, err)
			assert.Equal(t, body[10:], got)
		})
	}
}

// Whatever a source yields that has another size than it told is an error.
func TestReadInPlaceOfAWrongSize(t *testing.T) {
	for _, open := range []func() io.Reader{
		func() io.Reader { return bytes.NewReader(plainBody(100)) },
		func() io.Reader { return seeker{bytes.NewReader(plainBody(100))} },
	} {
		src, _ := sourceOf(t, open())
		whole, err := ReadInPlace(src.Reader(), 99)
		assert.Nil(t, whole)
		assert.Equal(t, &ltxio.SizeError{Told: 99, Read: 100}, err)

		src, _ = sourceOf(t, open())
		whole, err = ReadInPlace(src.Reader(), 101)
		require.NoError(t, err, "it is found when it is read")
		_, err = io.ReadAll(whole.Section(0, 101))
		assert.Equal(t, &ltxio.SizeError{Told: 101, Read: 100}, err)
		assert.Equal(t, err, src.Failure(), "what ends the requests")
	}
}

func TestRewoundSourceOfAWrongSize(t *testing.T) {
	for _, size := range []int{60, 140} {
		r := &seeker{bytes.NewReader(plainBody(100))}
		src, _ := sourceOf(t, r)
		whole, err := ReadInPlace(src.Reader(), 100)
		require.NoError(t, err)
		r.ReadSeeker = bytes.NewReader(plainBody(size))
		rest, err := whole.Rewind()
		require.NoError(t, err)
		_, err = io.ReadAll(rest)
		assert.Equal(t, &ltxio.SizeError{Told: 100, Read: int64(size)}, err)
	}
}

func TestSectionOfAShrunkenSource(t *testing.T) {
	r := &seeker{bytes.NewReader(plainBody(100))}
	src, stopped := sourceOf(t, r)
	whole, err := ReadInPlace(src.Reader(), 100)
	require.NoError(t, err)
	r.ReadSeeker = bytes.NewReader(plainBody(60))
	_, err = io.ReadAll(whole.Section(0, 100))
	assert.ErrorContains(t, err, "body ends after 60 bytes: it had 100 when the write began")
	assert.Equal(t, err, src.Failure())
	assert.Equal(t, err, *stopped, "what ends the requests")
}

func TestSourceKeepsItsFailure(t *testing.T) {
	failure := errors.New("disk")
	src, stopped := sourceOf(t, io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(failure)))
	got, err := io.ReadAll(src)
	assert.Equal(t, "abc", string(got))
	assert.Equal(t, failure, err)
	assert.Equal(t, failure, src.Failure())
	assert.Equal(t, failure, *stopped)
	src.Rethrow()

	_, err = src.Read(make([]byte, 1))
	assert.Equal(t, failure, err, "nothing is read after a failure")
}

type impossible struct{ n int }

func (r impossible) Read([]byte) (int, error) { return r.n, nil }

func TestSourceRefusesImpossibleCounts(t *testing.T) {
	for _, n := range []int{-1, 11} {
		src, _ := sourceOf(t, impossible{n})
		_, err := src.Read(make([]byte, 10))
		assert.ErrorContains(t, err, "impossible count")
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a bug of the caller's") }

func TestSourcePanicsInTheCaller(t *testing.T) {
	src, stopped := sourceOf(t, panicking{})
	done := make(chan error)
	go func() { // as a transport does
		_, err := src.Read(make([]byte, 1))
		done <- err
	}()
	assert.ErrorIs(t, <-done, errSourcePanic)
	assert.ErrorIs(t, *stopped, errSourcePanic)
	assert.PanicsWithValue(t, "a bug of the caller's", src.Rethrow)
}

func TestSourceEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src := NewSource(ctx, func(error) {}, strings.NewReader("abc"))
	_, err := src.Read(make([]byte, 1))
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoError(t, src.Failure(), "it is not the source's")
}

func TestTake(t *testing.T) {
	body := plainBody(1000)
	for name, open := range map[string]func() io.Reader{
		"in place": func() io.Reader { return bytes.NewReader(body) },
		"buffered": func() io.Reader { return iotest.HalfReader(bytes.NewReader(body)) },
		"buffer":   func() io.Reader { return bytes.NewBuffer(body) },
	} {
		for limit, fits := range map[int64]bool{999: false, 1000: true, 1001: true} {
			src, _ := sourceOf(t, open())
			size := int64(-1)
			if name == "in place" {
				size = 1000
			}
			b := &ltxio.Body{Reader: src.Reader(), Source: src.Reader(), Size: size}
			taken, err := Take(b, limit)
			require.NoError(t, err)
			assert.Equal(t, fits, taken.Fits, "%s of %d", name, limit)
			assert.Equal(t, name == "in place", taken.Whole != nil)
			if fits {
				assert.EqualValues(t, 1000, taken.Size())
				for range 2 {
					require.NoError(t, iotest.TestReader(taken.Open(), body))
				}
			} else if taken.Whole == nil {
				got, err := io.ReadAll(Drain(taken.First, taken.Rest))
				require.NoError(t, err)
				assert.Equal(t, body, got)
			}
			assert.NoError(t, taken.Finish(nil))
			taken.Free()
		}
	}

	failure := errors.New("disk")
	src, _ := sourceOf(t, io.MultiReader(bytes.NewReader(body), iotest.ErrReader(failure)))
	taken, err := Take(&ltxio.Body{Reader: src.Reader(), Size: -1}, 1000)
	assert.Equal(t, failure, err, "it is not known that the body has ended")
	taken.Free()
}
