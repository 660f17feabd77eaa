package ltxio

import (
	"hash/crc64"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

func TestUpdateCRC(t *testing.T) {
	data := make([]byte, 1<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	for n := range data {
		require.Equal(t, crc64.Update(uint64(n)*977, crc64.MakeTable(crc64.ISO), data[:n]), updateCRC(uint64(n)*977, data[:n]), "%d bytes", n)
	}
}

func TestJoinCRC(t *testing.T) {
	data := make([]byte, ltx.MaxPageSize+100)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	for size := uint32(1); size <= ltx.MaxPageSize; size *= 2 {
		for _, before := range []int{0, 1, 10, 100} {
			want := updateCRC(0, data[:before+int(size)])
			require.Equal(t, want, joinCRC(updateCRC(0, data[:before]), updateCRC(0, data[before:before+int(size)]), powerCRC(size)), "%d and %d bytes", before, size)
		}
	}
}

func BenchmarkUpdateCRC(b *testing.B) {
	data := make([]byte, 4096)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		updateCRC(0, data)
	}
}
