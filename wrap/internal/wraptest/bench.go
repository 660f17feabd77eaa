package wraptest

import (
	"bytes"
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
		store := mock.NewReplicaClient(mock.Config{})
		store.SetLogger(nil)
		c := client.wrap(store)
		write1(b, c, 2, small) // so that the first to be measured is not the one that warms up
		write1(b, c, 3, large)
		b.Run("small write/"+client.name, func(b *testing.B) { benchWrite(b, store, c, 2, small) })
		b.Run("large write/"+client.name, func(b *testing.B) { benchWrite(b, store, c, 3, large) })
		b.Run("large read/"+client.name, func(b *testing.B) {
			write1(b, c, 3, large)
			b.SetBytes(int64(len(large)))
			b.ReportAllocs()
			for b.Loop() {
				rc, err := c.OpenLTXFile(b.Context(), 0, 3, 3, 0, 0)
				if err == nil {
					_, err = io.Copy(io.Discard, struct{ io.Reader }{rc})
					rc.Close()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchWrite(b *testing.B, store *mock.ReplicaClient, c ltxstore.ReplicaClient, id ltx.TXID, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		write1(b, c, id, body)
		store.ResetCalls() // which would be kept
	}
}

func write1(b *testing.B, c ltxstore.ReplicaClient, id ltx.TXID, body []byte) {
	if _, err := c.WriteLTXFile(b.Context(), 0, id, id, bytes.NewReader(body)); err != nil {
		b.Fatal(err)
	}
}
