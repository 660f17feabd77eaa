package ltxio_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

const timestamp = 1700000000123

func header(t *testing.T, change func(*ltx.Header)) []byte {
	t.Helper()
	hdr := ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096, Commit: 1, MinTXID: 3, MaxTXID: 5, Timestamp: timestamp}
	if change != nil {
		change(&hdr)
	}
	b, err := hdr.MarshalBinary()
	require.NoError(t, err)
	return b
}

// only hides every method but Read.
type only struct{ io.Reader }

// sources are the readers of clause W5.
var sources = map[string]func(t *testing.T, b []byte) (r io.Reader, same bool){
	"bytes.Reader": func(_ *testing.T, b []byte) (io.Reader, bool) { return bytes.NewReader(b), true },
	"bytes.Reader after a seek": func(t *testing.T, b []byte) (io.Reader, bool) {
		r := bytes.NewReader(append([]byte("before"), b...))
		_, err := r.Seek(6, io.SeekStart)
		require.NoError(t, err)
		return r, true
	},
	"file": func(t *testing.T, b []byte) (io.Reader, bool) {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		f, err := os.Open(path)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f, true
	},
	"pipe": func(t *testing.T, b []byte) (io.Reader, bool) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		go func() {
			_, _ = w.Write(b)
			w.Close()
		}()
		t.Cleanup(func() { r.Close() })
		return r, false
	},
	"bytes.Buffer":      func(_ *testing.T, b []byte) (io.Reader, bool) { return bytes.NewBuffer(bytes.Clone(b)), false },
	"reader":            func(_ *testing.T, b []byte) (io.Reader, bool) { return only{bytes.NewReader(b)}, false },
	"one byte":          func(_ *testing.T, b []byte) (io.Reader, bool) { return iotest.OneByteReader(bytes.NewReader(b)), false },
	"half":              func(_ *testing.T, b []byte) (io.Reader, bool) { return iotest.HalfReader(bytes.NewReader(b)), false },
	"data with EOF":     func(_ *testing.T, b []byte) (io.Reader, bool) { return iotest.DataErrReader(bytes.NewReader(b)), false },
	"sometimes nothing": func(_ *testing.T, b []byte) (io.Reader, bool) { return &stutter{r: bytes.NewReader(b)}, false },
	"failing Seek": func(_ *testing.T, b []byte) (io.Reader, bool) {
		return &seeker{Reader: bytes.NewReader(b), failAt: 1}, false
	},
	"failing end": func(_ *testing.T, b []byte) (io.Reader, bool) {
		return &seeker{Reader: bytes.NewReader(b), failAt: 2}, false
	},
	"failing way back": func(_ *testing.T, b []byte) (io.Reader, bool) {
		return &seeker{Reader: bytes.NewReader(b), failAt: 4}, false
	},
}

// stutter returns nothing every other time.
type stutter struct {
	r     io.Reader
	calls int
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.calls++; s.calls%2 == 1 {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 5)])
}

// seeker fails its failAt-th Seek and all after it.
type seeker struct {
	*bytes.Reader
	calls, failAt int
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	if s.calls++; s.calls >= s.failAt {
		return 0, errors.New("cannot seek")
	}
	return s.Reader.Seek(offset, whence)
}

func TestPeekLosesNothing(t *testing.T) {
	whole := append(header(t, nil), bytes.Repeat([]byte("page"), 5000)...)
	bodies := map[string][]byte{
		"ltx":             whole,
		"header only":     whole[:ltx.HeaderSize],
		"header and one":  whole[:ltx.HeaderSize+1],
		"plain":           bytes.Repeat([]byte("plain "), 1000),
		"plain, one byte": []byte("x"),
		"part of magic":   []byte("LTX"),
		"99 bytes":        bytes.Repeat([]byte("x"), 99),
	}
	for source, open := range sources {
		for name, body := range bodies {
			t.Run(source+"/"+name, func(t *testing.T) {
				r, same := open(t, body)
				b, err := ltxio.Peek(t.Context(), r, 3, 5)
				require.NoError(t, err)
				if same {
					assert.Same(t, r, b.Source, "the fast paths of the source remain")
					assert.EqualValues(t, len(body), b.Size)
				} else {
					assert.Nil(t, b.Source)
					assert.Contains(t, []int64{-1, int64(len(body))}, b.Size)
				}
				assert.Equal(t, bytes.HasPrefix(body, []byte("LTX1")), b.IsLTX)
				if b.IsLTX {
					assert.Equal(t, ltx.TXID(3), b.Header.MinTXID)
					assert.Equal(t, time.UnixMilli(timestamp).UTC(), b.Time())
					assert.Equal(t, time.UTC, b.Time().Location())
				}
				got, err := io.ReadAll(b.Reader)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(body, got))
			})
		}
	}
}

func TestPeekedReaderIsAReader(t *testing.T) {
	body := append(header(t, nil), bytes.Repeat([]byte("page"), 500)...)
	b, err := ltxio.Peek(t.Context(), only{bytes.NewReader(body)}, 3, 5)
	require.NoError(t, err)
	require.NoError(t, iotest.TestReader(b.Reader, body))
}

func TestPeekSize(t *testing.T) {
	b, err := ltxio.Peek(t.Context(), bytes.NewBufferString("twelve bytes"), 1, 1)
	require.NoError(t, err)
	assert.EqualValues(t, 12, b.Size)
	b, err = ltxio.Peek(t.Context(), only{bytes.NewBufferString("twelve bytes")}, 1, 1)
	require.NoError(t, err)
	assert.EqualValues(t, -1, b.Size)

	past := bytes.NewReader([]byte("x"))
	_, err = past.Seek(10, io.SeekStart)
	require.NoError(t, err)
	_, err = ltxio.Peek(t.Context(), past, 1, 1)
	assert.ErrorIs(t, err, fs.ErrInvalid, "a reader that stands past its end has an empty body")
}

func TestPeekInvalid(t *testing.T) {
	flip := header(t, nil)
	flip[4] ^= 0xff // flags
	for name, tt := range map[string]struct {
		body io.Reader
		want string
	}{
		"nil":           {nil, "reader is nil"},
		"empty":         {bytes.NewReader(nil), "body is empty"},
		"empty pipe":    {only{bytes.NewReader(nil)}, "body is empty"},
		"only magic":    {bytes.NewReader([]byte("LTX1")), "ends after 4 bytes, within the LTX header"},
		"cut header":    {only{bytes.NewReader(header(t, nil)[:99])}, "ends after 99 bytes, within the LTX header"},
		"bad header":    {bytes.NewReader(flip), "no valid LTX header"},
		"other min":     {bytes.NewReader(header(t, func(h *ltx.Header) { h.MinTXID = 4 })), "transactions 0000000000000004 to 0000000000000005: want 0000000000000003 to 0000000000000005"},
		"other max":     {bytes.NewReader(header(t, func(h *ltx.Header) { h.MaxTXID = 6 })), "want 0000000000000003 to 0000000000000005"},
		"time before":   {bytes.NewReader(header(t, func(h *ltx.Header) { h.Timestamp = -1 })), "timestamp -1 ms: want 0 to 253402300799999"},
		"time too late": {bytes.NewReader(header(t, func(h *ltx.Header) { h.Timestamp = 253402300800000 })), "timestamp 253402300800000 ms"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := ltxio.Peek(t.Context(), tt.body, 3, 5)
			assert.Nil(t, b)
			assert.ErrorIs(t, err, fs.ErrInvalid)
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestPeekTimeBounds(t *testing.T) {
	for ms, want := range map[int64]string{0: "1970-01-01T00:00:00Z", 253402300799999: "9999-12-31T23:59:59.999Z"} {
		b, err := ltxio.Peek(t.Context(), bytes.NewReader(header(t, func(h *ltx.Header) { h.Timestamp = ms })), 3, 5)
		require.NoError(t, err)
		assert.Equal(t, want, b.Time().Format(time.RFC3339Nano))
	}
}

// The caller's reader failing is its own error, never fs.ErrInvalid: also
// where it fails with an error that readers use among themselves.
func TestPeekReaderFails(t *testing.T) {
	for _, failure := range []error{errors.New("disk"), io.ErrUnexpectedEOF, io.ErrNoProgress} {
		for _, after := range []int{0, 1, 50, 99} {
			r := io.MultiReader(bytes.NewReader(header(t, nil)[:after]), iotest.ErrReader(failure))
			_, err := ltxio.Peek(t.Context(), r, 3, 5)
			assert.Equal(t, failure, err, "after %d bytes", after)
		}

		// A failure after the header comes when it is reached.
		r := io.MultiReader(bytes.NewReader(header(t, nil)), iotest.ErrReader(failure))
		b, err := ltxio.Peek(t.Context(), r, 3, 5)
		require.NoError(t, err)
		got, err := io.ReadAll(b.Reader)
		assert.Equal(t, failure, err)
		assert.Len(t, got, ltx.HeaderSize)
	}
}

func TestPeekFailureWithData(t *testing.T) {
	failure := errors.New("disk")
	r := &withData{data: header(t, nil), err: failure}
	_, err := ltxio.Peek(t.Context(), r, 3, 5)
	assert.Equal(t, failure, err, "an error that comes with the last byte of the header")
}

// withData returns all its data together with an error.
type withData struct {
	data []byte
	err  error
}

func (w *withData) Read(p []byte) (int, error) { return copy(p, w.data), w.err }

// A source that has ended with its last byte is not asked again.
func TestPeekEndWithData(t *testing.T) {
	r := &withData{data: header(t, nil), err: io.EOF}
	b, err := ltxio.Peek(t.Context(), r, 3, 5)
	require.NoError(t, err)
	got, err := io.ReadAll(b.Reader)
	require.NoError(t, err)
	assert.Equal(t, r.data, got)
}

func TestPeekReaderOfNothing(t *testing.T) {
	_, err := ltxio.Peek(t.Context(), nothing{}, 3, 5)
	assert.Equal(t, io.ErrNoProgress, err)
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// oneWaySeeker seeks to its end and not back.
type oneWaySeeker struct{ *bytes.Reader }

var errOneWay = errors.New("only forwards")

func (s oneWaySeeker) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		return 0, errOneWay
	}
	return s.Reader.Seek(offset, whence)
}

func TestPeekSeekerThatDoesNotComeBack(t *testing.T) {
	_, err := ltxio.Peek(t.Context(), oneWaySeeker{bytes.NewReader([]byte("a body"))}, 1, 1)
	require.ErrorIs(t, err, errOneWay)
	assert.NotErrorIs(t, err, fs.ErrInvalid, "the body is not empty")
}

// A source may yield nothing for a while, but not for good.
func TestReadFullWaitsForBytes(t *testing.T) {
	for pause, want := range map[int]error{0: nil, flow.MaxEmptyReads - 1: nil, flow.MaxEmptyReads: io.ErrNoProgress} {
		left := pause
		n, err := ltxio.ReadFull(readFunc(func(p []byte) (int, error) {
			if left--; left >= 0 {
				return 0, nil
			}
			left = pause
			return copy(p, "x"), nil
		}), make([]byte, 3))
		assert.Equal(t, want, err, "%d", pause)
		assert.Equal(t, want == nil, n == 3)
	}
}
