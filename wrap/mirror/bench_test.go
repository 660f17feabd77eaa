package mirror_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// What a call costs over two in memory, beside one: a small and a large write, of a
// body that replicas read on their own and of a stream; a read, and a listing of a
// thousand files.
func BenchmarkMirror(b *testing.B) {
	large := strings.Repeat("0123456789abcdef", 512<<10)
	for _, name := range []string{"mock", "mirror"} {
		begin := func(b *testing.B) ltxstore.ReplicaClient {
			b.ReportAllocs()
			if name == "mirror" {
				return newWorld(2, mirror.Config{})
			}
			c := mock.NewReplicaClient(mock.Config{})
			c.SetLogger(nil)
			return c
		}
		for size, body := range map[string]string{"1KiB": large[:1<<10], "8MiB": large} {
			for kind, reader := range map[string]func() io.Reader{
				"seekable": func() io.Reader { return strings.NewReader(body) },
				"stream":   func() io.Reader { return io.MultiReader(strings.NewReader(body)) },
			} {
				b.Run("write/"+size+"/"+kind+"/"+name, func(b *testing.B) {
					c := begin(b)
					b.SetBytes(int64(len(body)))
					for b.Loop() {
						_, err := c.WriteLTXFile(b.Context(), 0, 1, 1, reader())
						require.NoError(b, err)
					}
				})
			}
			b.Run("read/"+size+"/"+name, func(b *testing.B) {
				c := begin(b)
				write(b, c, 1, body)
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					rc, err := c.OpenLTXFile(b.Context(), 0, 1, 1, 0, 0)
					require.NoError(b, err)
					n, err := io.Copy(io.Discard, rc)
					require.NoError(b, err)
					require.EqualValues(b, len(body), n)
					require.NoError(b, rc.Close())
				}
			})
		}
		b.Run("list/"+name, func(b *testing.B) {
			c := begin(b)
			for txid := ltx.TXID(1); txid <= 1000; txid++ {
				write(b, c, txid, "x")
			}
			for b.Loop() {
				found, err := list(c, 0, 0)
				require.NoError(b, err)
				require.Len(b, found, 1000)
			}
		})
	}
}
