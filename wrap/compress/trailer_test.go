package compress

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// A trailer is read as it was written, and with any other bit before the file's checksum, or
// another length, it is none.
func TestTrailerIsReadAsWritten(t *testing.T) {
	for _, want := range []trailer{
		{frameSize: 100, size: 250, ends: []int64{40, 90, 120}, timestamp: 1700000000123},
		{frameSize: 100, size: 300, ends: []int64{40, 90, 120}, timestamp: -1},
		{frameSize: 100, size: 201, ends: []int64{40, 90, 120}, timestamp: codec.NotLTX},
	} {
		b := appendTrailer(nil, &want, 7)
		stored := 120 + int64(len(b))
		got, err := parseTrailer(b, stored)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		for i := 8; i < len(b)-4; i++ { // before are only the bytes that make zstd skip it
			for bit := range 8 {
				damaged := bytes.Clone(b)
				damaged[i] ^= 1 << bit
				_, err := parseTrailer(damaged, stored)
				assert.Error(t, err, "bit %d of byte %d", bit, i)
			}
		}
		_, err = parseTrailer(b, stored-1)
		assert.Error(t, err)
		_, err = parseTrailer(append([]byte{0}, b...), stored+1)
		assert.Error(t, err)
		for n := range b {
			_, err := parseTrailer(b[len(b)-n:], stored)
			assert.Error(t, err, "of %d bytes", n)
		}
		_, size, ok := parseEnd(b[len(b)-endSize:])
		assert.True(t, ok)
		assert.EqualValues(t, len(b), size)
	}
}

// A trailer with frames of a size that is not legal, or more frames than are allowed, is
// refused.
func TestWrongFrameSize(t *testing.T) {
	for _, tt := range []struct {
		frameSize, size int64
		ok              bool
	}{
		{0, 1, false}, {1, 1, true}, {maxFrameSize, 1, true}, {2 * maxFrameSize, 1, false}, {1<<32 - 1, 1, false},
		{4096, 0, false}, {4096, -1, false}, {4096, 4096 * maxFrames, true}, {4096, 4096*maxFrames + 1, false},
	} {
		_, _, ok := parseEnd(appendTrailer(nil, &trailer{frameSize: tt.frameSize, size: tt.size}, 0))
		assert.Equal(t, tt.ok, ok, "%+v", tt)
	}
}

// The checksum at the end of a file makes the file's own one number.
func TestIsWhole(t *testing.T) {
	for _, frames := range []string{"", "frames", "other frames"} {
		sum := crc32.Checksum([]byte(frames), castagnoli())
		file := appendTrailer([]byte(frames), &trailer{frameSize: 1, size: 1, ends: []int64{int64(len(frames))}}, sum)
		assert.True(t, isWhole(crc32.Checksum(file, castagnoli())), frames)
		file[0]++
		assert.False(t, isWhole(crc32.Checksum(file, castagnoli())), frames)
	}
}

func TestIsLTX(t *testing.T) {
	for head, want := range map[string]bool{"": false, "LTX": false, "LTX1": true, "LTX1 and more": true, "\x50\x2a\x4d\x18": false} {
		assert.Equal(t, want, isLTX([]byte(head)), "%q", head)
	}
}
