package cache_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// What a call costs over memory, beside the mock's own: a page of 4 KiB, a listing of
// a thousand files, and a small write that is put into it.
func BenchmarkCache(b *testing.B) {
	begin := func(b *testing.B, cfg cache.Config) *world {
		w := newWorld(cfg)
		put(b, w.other, 1, random(1, 1<<20))
		for txid := ltx.TXID(2); txid <= 1000; txid++ {
			put(b, w.other, txid, []byte("x"))
		}
		w.next.ResetCalls()
		b.ReportAllocs()
		return w
	}
	client := func(w *world, name string) ltxstore.ReplicaClient {
		if name == "mock" {
			return w.next
		}
		return w
	}
	for _, name := range []string{"mock", "memory", "disk"} {
		b.Run("page/"+name, func(b *testing.B) {
			cfg := cache.Config{}
			if name == "disk" {
				cfg.Dir = b.TempDir()
			}
			w := begin(b, cfg)
			b.SetBytes(4 << 10)
			for i := int64(0); b.Loop(); i++ {
				require.Len(b, read(b, client(w, name), 1, i%256<<12, 4<<10), 4<<10)
			}
		})
	}
	for _, name := range []string{"mock", "memory"} {
		b.Run("list/"+name, func(b *testing.B) {
			w := begin(b, cache.Config{})
			for b.Loop() {
				require.Len(b, list(b, client(w, name), 0), 1000)
			}
		})
		b.Run("write/"+name, func(b *testing.B) {
			w := begin(b, cache.Config{})
			list(b, w, 0)
			for txid := ltx.TXID(1001); b.Loop(); txid++ {
				put(b, client(w, name), txid, []byte("x"))
			}
		})
	}
}
