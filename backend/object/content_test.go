package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

// readers are the forms that a caller's body may have.
var readers = map[string]func([]byte) io.Reader{
	"in place":       func(b []byte) io.Reader { return bytes.NewReader(b) },
	"of known size":  func(b []byte) io.Reader { return bytes.NewBuffer(bytes.Clone(b)) },
	"stream":         func(b []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(b)} },
	"end with data":  func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) },
	"byte by byte":   func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) },
	"half the reads": func(b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) },
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// eachContent calls test for all sizes at which a content or a buffer changes
// its form.
func eachContent(t *testing.T, test func(t *testing.T, body []byte, limit int64, taken func() *content)) {
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{64, ltx.HeaderSize - 1, ltx.HeaderSize, 1000, 8 << 10} {
				for _, size := range []int{1, 63, 64, 65, 80, ltx.HeaderSize - 1, ltx.HeaderSize, ltx.HeaderSize + 1,
					limit - 1, limit, limit + 1, limit + 2, 2 * limit, 3*limit + 1} {
					body := random(size)
					t.Run(fmt.Sprintf("%d bytes over %d", size, limit), func(t *testing.T) {
						test(t, body, int64(limit), func() *content {
							ctx, cancel := context.WithCancelCause(t.Context())
							src, err := newSource(ctx, cancel, reader(body))
							require.NoError(t, err)
							checks := 0
							c, err := take(src, int64(limit), func(first []byte) error {
								checks++
								assert.Equal(t, body[:min(size, ltx.HeaderSize)], first)
								return nil
							})
							require.NoError(t, err)
							assert.Equal(t, 1, checks)
							t.Cleanup(c.free)
							return c
						})
					})
				}
			}
		})
	}
}

func TestContent(t *testing.T) {
	eachContent(t, func(t *testing.T, body []byte, limit int64, taken func() *content) {
		size := int64(len(body))
		c := taken()
		// A body that the end has not been seen of is not known to be small.
		assert.Equal(t, size <= limit, c.fits(limit))
		if c.size != -1 {
			assert.Equal(t, size, c.size)
		}
		if c.whole {
			for range 2 { // a request may be repeated
				got, err := io.ReadAll(c.open())
				require.NoError(t, err)
				require.Equal(t, body, got)
			}
			sum, err := c.sum(crc32.NewIEEE())
			require.NoError(t, err)
			assert.EqualValues(t, crc(body), sum)
		}

		c = taken()
		c.hash = crc32.NewIEEE()
		got, err := io.ReadAll(c.stream())
		require.NoError(t, err)
		require.Equal(t, body, got)
		assert.EqualValues(t, crc(body), c.hash.Sum(nil))
	})
}

func crc(b []byte) []byte {
	h := crc32.NewIEEE()
	h.Write(b)
	return h.Sum(nil)
}

// A part is as large as it was asked for, but for the last, and the sum of a
// body that was cut is known whatever its form.
func TestCutter(t *testing.T) {
	eachContent(t, func(t *testing.T, body []byte, limit int64, taken func() *content) {
		for _, size := range []int64{50, limit - 1, limit, limit + 1, limit + 2, 2 * limit} {
			c := taken()
			if !c.whole {
				c.hash = crc32.NewIEEE()
			}
			cut := cutter{c: c}
			var pieces []piece
			for {
				p, err := cut.next(size)
				require.NoError(t, err)
				if p.size == 0 {
					break
				}
				pieces = append(pieces, p)
				require.LessOrEqual(t, len(pieces), len(body), "the body ends")
			}
			var got []byte
			for i, p := range pieces {
				if i < len(pieces)-1 {
					require.Equal(t, size, p.size, "part %d", i)
				}
				for range 2 {
					part, err := io.ReadAll(p.open())
					require.NoError(t, err)
					require.EqualValues(t, p.size, len(part))
					require.Equal(t, body[len(got):len(got)+len(part)], part)
				}
				got = body[:len(got)+int(p.size)]
			}
			require.Len(t, got, len(body))
			if c.hash != nil || c.src.at != nil {
				sum, err := c.sum(crc32.NewIEEE())
				require.NoError(t, err)
				require.Equal(t, crc(body), sum)
			} else {
				require.LessOrEqual(t, int64(len(body)), limit, "the sum is lost with the parts")
			}
			for _, p := range pieces {
				p.free()
			}
		}
	})
}

// A piece's memory is its own until it is freed.
func TestCutterPieces(t *testing.T) {
	body := random(30)
	cut := cutter{c: &content{src: &source{ctx: t.Context(), r: bytes.NewReader(body), size: -1}, size: -1}, rest: bytes.NewReader(body)}
	first, err := cut.next(10)
	require.NoError(t, err)
	second, err := cut.next(10)
	require.NoError(t, err)
	second.free()
	third, err := cut.next(10)
	require.NoError(t, err)
	for i, p := range map[int]piece{0: first, 20: third} {
		got, err := io.ReadAll(p.open())
		require.NoError(t, err)
		assert.Equal(t, body[i:i+10], got)
	}
}

// A content that cannot be read, or is refused, tells why, and nothing of it
// is read further.
func TestTakeFails(t *testing.T) {
	broken, refused := errors.New("broken"), errors.New("refused")
	accept := func([]byte) error { return nil }
	refuse := func([]byte) error { return refused }
	for name, test := range map[string]struct {
		r     io.Reader
		check func([]byte) error
		want  error
	}{
		"empty, in place":          {bytes.NewReader(nil), nil, errEmpty},
		"empty":                    {bytes.NewBuffer(nil), accept, errEmpty},
		"empty, stream":            {struct{ io.Reader }{bytes.NewReader(nil)}, accept, errEmpty},
		"broken in the header":     {io.MultiReader(bytes.NewReader(random(50)), iotest.ErrReader(broken)), accept, broken},
		"broken behind the header": {io.MultiReader(bytes.NewReader(random(150)), iotest.ErrReader(broken)), accept, broken},
		"refused":                  {io.MultiReader(bytes.NewReader(random(100)), iotest.ErrReader(broken)), refuse, refused},
		"refused, in place":        {bytes.NewReader(random(150)), refuse, refused},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			src, err := newSource(ctx, cancel, test.r)
			require.NoError(t, err)
			check := test.check
			if check == nil { // the caller's check refuses no bytes at all
				check = func(first []byte) error {
					assert.Empty(t, first)
					return errEmpty
				}
			}
			c, err := take(src, 1000, check)
			require.ErrorIs(t, err, test.want)
			c.free()
		})
	}
}
