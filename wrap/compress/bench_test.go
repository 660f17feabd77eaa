package compress_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
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
	b.Run("wrapper", func(b *testing.B) { benchWrite(b, newReplica(b).client(compress.Config{}), body) })
	b.Run("mock", func(b *testing.B) { benchWrite(b, quiet(), body) })
}

func BenchmarkDecompress(b *testing.B) {
	body := text(8 << 20)
	r := newReplica(b)
	c := r.client(compress.Config{})
	write(b, c, 2, body)
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
	b.Run("wrapper", func(b *testing.B) { benchRead(b, c, 0, 0, int64(len(body))) })
	b.Run("page", func(b *testing.B) { benchRead(b, c, 5_000_000, 4096, 4096) })
}

func BenchmarkSmallWrite(b *testing.B) {
	body := replicatest.NewLTXFile(2, 2, at, 1)
	b.Run("wrapper", func(b *testing.B) { benchWrite(b, newReplica(b).client(compress.Config{}), body) })
	b.Run("mock", func(b *testing.B) { benchWrite(b, quiet(), body) })
}

func quiet() *mock.ReplicaClient {
	c := mock.NewReplicaClient(mock.Config{})
	c.SetLogger(nil)
	return c
}

func benchWrite(b *testing.B, c ltxstore.ReplicaClient, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		write(b, c, 2, body)
	}
}

func benchRead(b *testing.B, c ltxstore.ReplicaClient, offset, size, want int64) {
	b.SetBytes(want)
	b.ReportAllocs()
	for b.Loop() {
		rc, err := c.OpenLTXFile(b.Context(), 0, 2, 2, offset, size)
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, rc)
		require.NoError(b, err)
		require.Equal(b, want, n)
		require.NoError(b, rc.Close())
	}
}
