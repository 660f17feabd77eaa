package nats_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
)

// BenchmarkClient has what users wait for. The requests of each are counted by
// TestRequests.
func BenchmarkClient(b *testing.B) {
	_, c := serve(b, nats.Config{Transfer: object.Options{PartSize: 128 << 10}})
	small, large := body(b, 1, 1), body(b, 1, 16<<10)
	readRange := func(b *testing.B, offset, size int64) {
		r, err := c.OpenLTXFile(b.Context(), 1, 1, 1, offset, size)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("write small", func(b *testing.B) {
		for i := range b.N {
			if _, err := c.WriteLTXFile(b.Context(), 2, 1, ltx.TXID(i+1), bytes.NewReader(small[ltx.HeaderSize:])); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write large", func(b *testing.B) {
		b.SetBytes(int64(len(large)))
		for range b.N {
			if _, err := c.WriteLTXFile(b.Context(), 1, 1, 1, io.MultiReader(bytes.NewReader(large))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read large", func(b *testing.B) {
		b.SetBytes(int64(len(large)))
		for range b.N {
			readRange(b, 0, 0)
		}
	})
	b.Run("read late", func(b *testing.B) {
		for range b.N {
			readRange(b, int64(len(large))-5000, 100)
		}
	})
	for i := range 3000 {
		if _, err := c.WriteLTXFile(b.Context(), 0, 1, ltx.TXID(i+1), bytes.NewReader(small[ltx.HeaderSize:])); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("list 3000", func(b *testing.B) {
		for range b.N {
			it, err := c.LTXFiles(b.Context(), 0, 0, true)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for it.Next() {
				n++
			}
			if err := it.Close(); err != nil || n != 3000 {
				b.Fatal(n, err)
			}
		}
	})
}
