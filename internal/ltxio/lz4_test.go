package ltxio_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func compress(t testing.TB, data []byte, options ...lz4.Option) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := lz4.NewWriter(&buf)
	require.NoError(t, w.Apply(options...))
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func TestLZ4Exceeds(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	mixed := bytes.Clone(noise)
	for i := range mixed {
		if i%1000 < 700 {
			mixed[i] = 'x'
		}
	}
	for name, data := range map[string][]byte{"zeros": make([]byte, 200_000), "noise": noise, "mixed": mixed} {
		for _, n := range []int{1, 5, 16, 100, 512, 4096, 65535, 65536, 65537, 200_000} {
			for option, options := range map[string][]lz4.Option{
				"default":   nil,
				"small":     {lz4.BlockSizeOption(lz4.Block64Kb)},
				"checksums": {lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true), lz4.ChecksumOption(false)},
				"size":      {lz4.SizeOption(uint64(n))},
			} {
				frame := compress(t, data[:n], options...)
				assert.False(t, ltxio.LZ4Exceeds(frame, n), "%s %s %d", name, option, n)
				assert.True(t, ltxio.LZ4Exceeds(frame, n-1), "%s %s %d", name, option, n)
			}
		}
	}
	assert.False(t, ltxio.LZ4Exceeds(compress(t, nil), 0))
}

func TestLZ4ExceedsStrangers(t *testing.T) {
	frame := compress(t, make([]byte, 512))
	for n := range 7 {
		assert.True(t, ltxio.LZ4Exceeds(frame[:n], math.MaxInt32))
	}
	assert.False(t, ltxio.LZ4Exceeds(frame[:7], 0), "a header, and nothing behind it")

	// A block that ends with a match: one letter, and four more.
	block := append(bytes.Clone(frame[:7]), 4, 0, 0, 0, 0x10, 'A', 1, 0)
	assert.False(t, ltxio.LZ4Exceeds(block, 5))
	assert.True(t, ltxio.LZ4Exceeds(block, 4))

	for _, magic := range []uint32{0, 0x184d2203, 0x184c2102, 0x184d2a50} {
		binary.LittleEndian.PutUint32(frame, magic)
		assert.True(t, ltxio.LZ4Exceeds(frame, math.MaxInt32), "%#x", magic)
	}
}

// What passes decodes to no more than the limit, whatever it is.
func FuzzLZ4Exceeds(f *testing.F) {
	for _, n := range []int{0, 1, 512, 65536, 100_000} {
		f.Add(compress(f, make([]byte, n)))
		f.Add(compress(f, make([]byte, n), lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true)))
		f.Add(compress(f, make([]byte, n), lz4.SizeOption(uint64(n))))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		const limit = 65536
		if ltxio.LZ4Exceeds(frame, limit) {
			return
		}
		n, _ := io.Copy(io.Discard, lz4.NewReader(bytes.NewReader(frame)))
		require.LessOrEqual(t, n, int64(limit))
	})
}
