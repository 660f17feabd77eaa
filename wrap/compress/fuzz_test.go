package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// whole returns a stored file of that many full frames of 4 KiB and a short one.
func whole(t testing.TB, c *coder, frames int) []byte {
	t.Helper()
	var file []byte
	var sizes []uint32
	var sums seekTable
	s := summary{frameSize: 4096, isLTX: true, time: time.UnixMilli(1700000000123)}
	for i := range frames + 1 {
		content := bytes.Repeat([]byte{byte(i)}, 4096)
		if i == frames {
			content = content[:100]
		}
		frame := c.encoder.EncodeAll(content, nil)
		file = append(file, frame...)
		sizes = append(sizes, uint32(len(frame)))
		sums.add(frame, int64(len(content)))
		s.size += int64(len(content))
	}
	return appendTable(appendSummary(file, s, sums), s, sizes)
}

// A summary whose checksum is right and whose size is not that of the frames.
func TestWrongSummary(t *testing.T) {
	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(t, err)
	content := bytes.Repeat([]byte("x"), 4096)
	frame := c.encoder.EncodeAll(content, nil)
	var sums seekTable
	sums.add(frame, 4096)
	for _, size := range []int64{1, 4095, 4096} {
		s := summary{frameSize: 4096, size: size}
		file := appendTable(appendSummary(bytes.Clone(frame), s, sums), summary{frameSize: 4096, size: 4096}, []uint32{uint32(len(frame))})
		seq := newSequence(c, &codec.Transfer{R: bytes.NewReader(file)})
		_, err := seq.next()
		require.NoError(t, err)
		_, err = seq.next()
		if size == 4096 {
			require.Equal(t, io.EOF, err)
		} else {
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
		}
	}
}

// What is parsed is consistent, and decodes to the size that it says, or not at
// all, in bounded memory.
func FuzzSequence(f *testing.F) {
	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(f, err)
	for _, frames := range []int{0, 1, 5} {
		f.Add(whole(f, c, frames))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if !isZstd(file) {
			return
		}
		seq := newSequence(c, &codec.Transfer{R: bytes.NewReader(file)})
		var decoded int64
		for {
			piece, err := seq.next()
			if err != nil {
				if err != io.EOF {
					return
				}
				break
			}
			require.LessOrEqual(t, len(piece), maxFrameSize)
			require.NotEmpty(t, piece)
			decoded += int64(len(piece))
		}
		// A file that is read to its end has a trailer that says the same.
		frames, ok := frameCount(file)
		require.True(t, ok)
		s, ends, err := parseTrailer(file[int64(len(file))-trailerSize(frames):], int64(len(file)))
		require.NoError(t, err)
		require.Equal(t, decoded, s.size)
		require.Equal(t, seq.table.frames, int64(len(ends)))
	})
}

// What is parsed has places within the file, and is written as it was.
func FuzzTrailer(f *testing.F) {
	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(f, err)
	for _, frames := range []int{0, 1, 5} {
		file := whole(f, c, frames)
		f.Add(file[int64(len(file))-trailerSize(int64(frames+1)):], int64(len(file)))
	}
	f.Fuzz(func(t *testing.T, tail []byte, size int64) {
		s, ends, err := parseTrailer(tail, size)
		if err != nil {
			return
		}
		var sizes []uint32
		var sums seekTable
		var before, content int64
		for i, end := range ends {
			sizes = append(sizes, uint32(end-before))
			sums.add(make([]byte, end-before), s.content(int64(i)))
			content += s.content(int64(i))
			before = end
		}
		sums.stored = s.stored // the frames are not here
		require.Equal(t, s.size, content)
		require.Equal(t, size, before+int64(len(tail)))
		require.Equal(t, tail, appendTable(appendSummary(nil, s, sums), s, sizes))
	})
}

// Frames are of one size, but for a last one that is smaller: whatever the seek table
// says, a file with others is corrupt.
func TestWrongFrames(t *testing.T) {
	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(t, err)
	for _, contents := range [][]int{{4096, 100, 4096}, {4096, 100, 100}, {100, 4096}} {
		var file, entries []byte
		var sums seekTable
		s := summary{frameSize: 4096}
		for _, n := range contents {
			frame := c.encoder.EncodeAll(make([]byte, n), nil)
			file = append(file, frame...)
			entries = binary.LittleEndian.AppendUint32(entries, uint32(len(frame)))
			entries = binary.LittleEndian.AppendUint32(entries, uint32(n))
			sums.add(frame, int64(n))
			s.size += int64(n)
		}
		if s.frames() != sums.frames {
			s.frameSize = s.size / sums.frames
		}
		file = appendSummary(file, s, sums)
		file = binary.LittleEndian.AppendUint32(file, tableMagic)
		file = binary.LittleEndian.AppendUint32(file, uint32(len(entries)+entrySize+footerSize))
		file = appendFooter(append(file, entries...), sums.frames)
		seq := newSequence(c, &codec.Transfer{R: bytes.NewReader(file)})
		for range contents {
			if _, err = seq.next(); err != nil {
				break
			}
		}
		require.ErrorIs(t, err, ltxstore.ErrChecksum, "%v", contents)
	}
}

// A summary with frames of a size that is not legal is refused, though its checksum is
// right.
func TestWrongFrameSize(t *testing.T) {
	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(t, err)
	frame := c.encoder.EncodeAll([]byte("x"), nil)
	var sums seekTable
	sums.add(frame, 1)
	for size, legal := range map[int64]bool{0: false, 1: true, maxFrameSize: true, 2 * maxFrameSize: false, 1<<32 - 1: false} {
		s := summary{frameSize: size, size: min(size, 1)}
		_, err := parseSummary(appendSummary(nil, s, sums), sums)
		require.Equal(t, legal, err == nil, "%d", size)
	}
	most := seekTable{frames: maxFrames}
	_, err = parseSummary(appendSummary(nil, summary{frameSize: 4096, size: 4096 * maxFrames}, most), most)
	require.NoError(t, err)
}

// A summary of another version, or with flags that nobody knows, is refused, though its
// checksum is right.
func TestSummaryVersion(t *testing.T) {
	var sums seekTable
	sums.add([]byte("frame"), 100)
	for _, tt := range []struct {
		version, flags byte
		ok             bool
	}{{1, 0, true}, {1, 1, true}, {2, 0, false}, {0, 1, false}, {1, 2, false}} {
		b := appendSummary(nil, summary{frameSize: 4096, size: 100}, sums)
		b[12], b[13] = tt.version, tt.flags
		binary.LittleEndian.PutUint32(b[summarySize-4:], crc32.Update(sums.sum, castagnoli(), b[8:summarySize-4]))
		_, err := parseSummary(b, sums)
		require.Equal(t, tt.ok, err == nil, "version %d, flags %d: %v", tt.version, tt.flags, err)
	}
}

// A table has one frame to maxFrames.
func TestFrameCount(t *testing.T) {
	for frames, want := range map[int64]bool{-1: false, 0: false, 1: true, maxFrames: true, maxFrames + 1: false} {
		n, ok := frameCount(appendFooter(nil, frames))
		require.Equal(t, want, ok, frames)
		if ok {
			require.Equal(t, frames, n)
		}
	}
}

// A file that is cut off anywhere is corrupt, and a transfer that breaks anywhere is not: it
// fails as it did.
func TestEnds(t *testing.T) {
	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(t, err)
	file := whole(t, c, 2)
	size := trailerSize(3)
	s, ends, err := parseTrailer(file[int64(len(file))-size:], int64(len(file)))
	require.NoError(t, err)
	broken := errors.New("broken")
	for name, open := range map[string]func(from *codec.Transfer) func() ([]byte, error){
		"from the beginning": func(from *codec.Transfer) func() ([]byte, error) { return newSequence(c, from).next },
		"by the table": func(from *codec.Transfer) func() ([]byte, error) {
			return newSelection(c, from, &stored{summary: s, ends: ends}, 0).next
		},
	} {
		for n := range ends[2] {
			for _, want := range []error{ltxstore.ErrChecksum, broken} {
				r := io.Reader(bytes.NewReader(file[:n]))
				if want == broken {
					r = io.MultiReader(r, iotest.ErrReader(broken))
				}
				next := open(&codec.Transfer{R: r})
				var err error
				for err == nil {
					_, err = next()
				}
				require.ErrorIs(t, err, want, "%s, %d bytes", name, n)
				if want == broken {
					require.NotErrorIs(t, err, ltxstore.ErrChecksum, "%s, %d bytes", name, n)
				} else {
					require.Regexp(t, "file is cut off|frame header: unexpected EOF", err.Error(), "%s, %d bytes", name, n)
				}
			}
		}
	}
	for n := ends[2]; n < int64(len(file)); n++ {
		seq := newSequence(c, &codec.Transfer{R: io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))})
		var err error
		for err == nil {
			_, err = seq.next()
		}
		require.ErrorIs(t, err, broken, "%d bytes", n)
	}
	seq := newSequence(c, &codec.Transfer{R: io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken))})
	for err = nil; err == nil; {
		_, err = seq.next()
	}
	require.ErrorIs(t, err, broken, "where the file ends")
}

// A frame is read only in the form in which this package writes it.
func TestFrameHeaders(t *testing.T) {
	magic := binary.LittleEndian.AppendUint32(nil, zstdMagic)
	for name, tt := range map[string]struct {
		header []byte // from the descriptor on
		ok     bool
	}{
		"right":              {[]byte{0xa4, 0, 16, 0, 0, 1, 0, 0}, true},
		"of 1 MiB":           {[]byte{0xa4, 0, 0, 16, 0, 1, 0, 0}, true},
		"of more":            {[]byte{0xa4, 1, 0, 16, 0, 1, 0, 0}, false},
		"of none":            {[]byte{0xa4, 0, 0, 0, 0, 1, 0, 0}, false},
		"without a checksum": {[]byte{0xa0, 0, 16, 0, 0, 1, 0, 0}, false},
		"with a dictionary":  {[]byte{0xa5, 7, 0, 16, 0, 0, 1, 0, 0}, false},
		"without a size":     {[]byte{0x04, 0x10, 1, 0, 0, 0, 0, 0}, false},
	} {
		_, err := parseFrame(append(bytes.Clone(magic), tt.header...))
		require.Equal(t, tt.ok, err == nil, "%s: %v", name, err)
	}
	_, err := parseFrame(append(binary.LittleEndian.AppendUint32(nil, summaryMagic), 4, 0, 0, 0, 0, 0, 0, 0))
	require.Error(t, err, "one to skip")

	c, err := newCoder(zstd.SpeedFastest, 4096)
	require.NoError(t, err)
	for _, block := range []int{3<<1 | 8<<3, (blockSize + 1) << 3} { // a type that is reserved, and a size
		file := append(bytes.Clone(magic), 0xa4, 0, 0, 16, 0, byte(block), byte(block>>8), byte(block>>16))
		_, err := newSequence(c, &codec.Transfer{R: bytes.NewReader(append(file, make([]byte, 2*blockSize)...))}).next()
		require.ErrorIs(t, err, ltxstore.ErrChecksum)
		require.ErrorContains(t, err, "frame has a block of type")
	}
}
