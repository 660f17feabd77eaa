package compress_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

// The library alone over the same frames is what the wrapper is to be measured
// by; "library" is that, "wrapper" a write or read over memory.
func BenchmarkCompress(b *testing.B) {
	body := text(8 << 20)
	b.Run("library", func(b *testing.B) {
		e, err := zstd.NewWriter(nil, zstd.WithWindowSize(256<<10), zstd.WithSingleSegment(true))
		require.NoError(b, err)
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			for rest := body; len(rest) > 0; rest = rest[min(256<<10, len(rest)):] {
				out = e.EncodeAll(rest[:min(256<<10, len(rest))], out[:0])
			}
		}
	})
	b.Run("wrapper", func(b *testing.B) { wraptest.BenchWrite(b, newReplica(b).client(compress.Config{}), 2, body) })
	b.Run("mock", func(b *testing.B) { wraptest.BenchWrite(b, wraptest.Quiet(), 2, body) })
}

func BenchmarkDecompress(b *testing.B) {
	body := text(8 << 20)
	r := newReplica(b)
	c := r.client(compress.Config{})
	wraptest.Write(b, c, 2, body)
	b.Run("library", func(b *testing.B) {
		o, _ := r.Get(r.key(2))
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		require.NoError(b, err)
		defer d.Close()
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, d.Reset(bytes.NewReader(o.Body)))
			_, err := io.Copy(io.Discard, d)
			require.NoError(b, err)
		}
	})
	b.Run("wrapper", func(b *testing.B) { wraptest.BenchRead(b, c, 2, 0, 0, int64(len(body))) })
	b.Run("page", func(b *testing.B) { wraptest.BenchRead(b, c, 2, 5_000_000, 4096, 4096) })
}

func BenchmarkSmallWrite(b *testing.B) {
	body := replicatest.NewLTXFile(2, 2, at, 1)
	b.Run("wrapper", func(b *testing.B) { wraptest.BenchWrite(b, newReplica(b).client(compress.Config{}), 2, body) })
	b.Run("mock", func(b *testing.B) { wraptest.BenchWrite(b, wraptest.Quiet(), 2, body) })
}
