package wraptest

import (
	"io"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// Bench measures what a wrapper costs: a small write, and a write and a read of
// 8 MiB, over memory, each without the wrapper and with it.
func Bench(b *testing.B, wrap func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient) {
	at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	small, large := replicatest.NewLTXFile(2, 2, at, 1), replicatest.NewLTXFile(3, 3, at, 2048)
	for _, client := range []struct {
		name string
		wrap func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient
	}{
		{"mock", func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return next }},
		{"wrapper", wrap},
	} {
		store := Quiet()
		c := client.wrap(store)
		Write(b, c, 2, small) // so that the first to be measured is not the one that warms up
		Write(b, c, 3, large)
		b.Run("small write/"+client.name, func(b *testing.B) { benchWrite(b, store, c, 2, small) })
		b.Run("large write/"+client.name, func(b *testing.B) { benchWrite(b, store, c, 3, large) })
		b.Run("large read/"+client.name, func(b *testing.B) {
			Write(b, c, 3, large)
			BenchRead(b, c, 3, 0, 0, int64(len(large)))
		})
	}
}

func benchWrite(b *testing.B, store *mock.ReplicaClient, c ltxstore.ReplicaClient, id ltx.TXID, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		Write(b, c, id, body)
		store.ResetCalls() // which would be kept
	}
}

// BenchWrite measures a write of body.
func BenchWrite(b *testing.B, c ltxstore.ReplicaClient, id ltx.TXID, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		Write(b, c, id, body)
	}
}

// BenchRead measures a read of a range, which has want bytes.
func BenchRead(b *testing.B, c ltxstore.ReplicaClient, id ltx.TXID, offset, size, want int64) {
	b.SetBytes(want)
	b.ReportAllocs()
	for b.Loop() {
		rc, err := c.OpenLTXFile(b.Context(), 0, id, id, offset, size)
		must(b, err)
		n, err := io.Copy(io.Discard, struct{ io.Reader }{rc})
		must(b, err)
		if n != want {
			b.Fatalf("read %d bytes: want %d", n, want)
		}
		must(b, rc.Close())
	}
}
