package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// whole returns a stored file of that many full frames of 4 KiB and a short one.
func whole(t testing.TB, n int) (file []byte, c *coder) {
	t.Helper()
	f, err := Config{FrameSize: 4096, Level: "fastest"}.open("mock", layer.Next{})
	require.NoError(t, err)
	var body []byte
	for i := range n {
		body = append(body, bytes.Repeat([]byte{byte(i)}, 4096)...)
	}
	src, err := codec.NewSource(t.Context(), layer.File{MinTXID: 1, MaxTXID: 1}, bytes.NewReader(append(body, make([]byte, 100)...)))
	require.NoError(t, err)
	src.Timestamp = 1700000000123
	stored, _, err := f.Encode(layer.File{}, src)
	require.NoError(t, err)
	file, err = io.ReadAll(stored)
	require.NoError(t, err)
	return file, f.zstd
}

// decodeAll returns what the frames decode to.
func decodeAll(next func() ([]byte, error)) (plain []byte, err error) {
	for {
		piece, err := next()
		if plain = append(plain, piece...); err != nil {
			if err == io.EOF {
				err = nil
			}
			return plain, err
		}
	}
}

// What is decoded is what was written, or an error, in bounded memory.
func FuzzFrames(f *testing.F) {
	var c *coder
	for _, n := range []int{0, 1, 5} {
		var file []byte
		file, c = whole(f, n)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if isLTX(file) {
			return
		}
		seq := &frames{zstd: c, from: bytes.NewReader(file)}
		plain, err := decodeAll(func() ([]byte, error) {
			piece, err := seq.next()
			require.LessOrEqual(t, len(piece), maxFrameSize)
			return piece, err
		})
		if err != nil {
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
			return
		}
		// Other zstd programs decompress a file that is read to its end.
		d, err := zstd.NewReader(bytes.NewReader(file), zstd.WithDecoderConcurrency(1))
		require.NoError(t, err)
		defer d.Close()
		again, err := io.ReadAll(d)
		require.NoError(t, err)
		require.Equal(t, plain, again)
	})
}

// What is parsed has places within the file, and is written as it was.
func FuzzTrailer(f *testing.F) {
	for _, n := range []int{0, 1, 5} {
		file, _ := whole(f, n)
		_, size, ok := parseEnd(file)
		require.True(f, ok)
		f.Add(file[int64(len(file))-size:], int64(len(file)))
	}
	f.Fuzz(func(t *testing.T, tail []byte, size int64) {
		parsed, err := parseTrailer(tail, size)
		if err != nil {
			return
		}
		require.True(t, slices.IsSorted(parsed.ends))
		require.Equal(t, size, parsed.ends[len(parsed.ends)-1]+int64(len(tail)))
		var content int64
		for i := range parsed.ends {
			content += parsed.content(int64(i))
		}
		require.Equal(t, parsed.size, content)
		again := appendTrailer(nil, &parsed, 0)
		require.Equal(t, tail[8:len(tail)-8], again[8:len(again)-8])
	})
}

// Frames in another order or number than the trailer says are corrupt, whether the file is read from
// its beginning or by the trailer.
func TestWrongFrames(t *testing.T) {
	file, c := whole(t, 3)
	_, size, ok := parseEnd(file)
	require.True(t, ok)
	known, err := parseTrailer(file[int64(len(file))-size:], int64(len(file)))
	require.NoError(t, err)
	frame := func(i int64) []byte {
		at, n := known.place(i, i+1)
		return file[at : at+n]
	}
	rest := file[int64(len(file))-size:]
	for name, wrong := range map[string][]byte{
		"one too few":     slices.Concat(frame(0), frame(1), frame(3), rest),
		"one too many":    slices.Concat(frame(0), frame(1), frame(2), frame(2), frame(3), rest),
		"the last first":  slices.Concat(frame(3), frame(0), frame(1), frame(2), rest),
		"no trailer":      slices.Concat(frame(0), frame(1), frame(2), frame(3)),
		"two trailers":    slices.Concat(file, rest),
		"nothing to skip": slices.Concat(frame(0), frame(1)[frameHead:], rest),
		"an empty frame":  slices.Concat(frame(0), binary.LittleEndian.AppendUint32([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, 0), rest),
	} {
		_, err := decodeAll((&frames{zstd: c, from: bytes.NewReader(wrong)}).next)
		require.ErrorIs(t, err, ltxstore.ErrChecksum, name)
		if name != "no trailer" && name != "two trailers" {
			_, err = decodeAll((&frames{zstd: c, known: &known, from: bytes.NewReader(wrong)}).next)
			require.ErrorIs(t, err, ltxstore.ErrChecksum, name)
		}
	}
	short := known
	short.frameSize = 100 // of frames that decode to more
	_, err = (&frames{zstd: c, known: &short, from: bytes.NewReader(file)}).next()
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.ErrorContains(t, err, "contradicts the trailer")
}

// A file that is cut off anywhere is corrupt, and a transfer that breaks anywhere is not: it
// fails as it did.
func TestEnds(t *testing.T) {
	file, c := whole(t, 2)
	_, size, ok := parseEnd(file)
	require.True(t, ok)
	known, err := parseTrailer(file[int64(len(file))-size:], int64(len(file)))
	require.NoError(t, err)
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		known *trailer
		size  int
	}{"from the beginning": {nil, len(file)}, "by the trailer": {&known, len(file) - int(size)}} {
		for n := range tt.size {
			for _, want := range []error{ltxstore.ErrChecksum, broken} {
				r := io.Reader(bytes.NewReader(file[:n]))
				if want == broken {
					r = io.MultiReader(r, iotest.ErrReader(broken))
				}
				_, err := decodeAll((&frames{zstd: c, known: tt.known, from: r}).next)
				require.ErrorIs(t, err, want, "%s, %d bytes", name, n)
				if want == broken {
					require.NotErrorIs(t, err, ltxstore.ErrChecksum, "%s, %d bytes", name, n)
				} else {
					require.Regexp(t, "file is cut off|checksum of the file differs", err.Error(), "%s, %d bytes", name, n)
				}
			}
		}
	}
	_, err = decodeAll((&frames{zstd: c, from: io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken))}).next)
	require.ErrorIs(t, err, broken, "where the file ends")
}
