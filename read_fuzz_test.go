package ltxstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func FuzzFetchPageIndex(f *testing.F) {
	for _, n := range []int{0, 1, 5} {
		file := makeLTX(f, 512, n)
		f.Add(file.bytes, int64(len(file.bytes)))
		f.Add(file.bytes[:len(file.bytes)-3], int64(len(file.bytes)))
		f.Add(append(file.bytes, 1, 2, 3), int64(len(file.bytes)))
	}
	f.Add([]byte{}, int64(1)<<62)
	f.Fuzz(func(t *testing.T, file []byte, size int64) {
		for _, size := range []int64{size, int64(len(file))} {
			c := &fakeClient{min: 5, max: 9, file: file}
			info := &ltx.FileInfo{MinTXID: 5, MaxTXID: 9, Size: size}
			// An entry of three bytes becomes one of 56 in a map that
			// doubles as it grows.
			limit := uint64(1<<20 + 256*len(file))
			var pages map[uint32]ltx.PageIndexElem
			var err error
			require.Less(t, allocates(func() { pages, err = ltxstore.FetchPageIndex(t.Context(), c, info) }), limit)
			require.Zero(t, c.open)
			require.LessOrEqual(t, len(c.opened), 2)
			if err != nil {
				require.ErrorIs(t, err, ltxstore.ErrChecksum)
				continue
			}
			for pgno, page := range pages {
				require.NotZero(t, pgno)
				require.GreaterOrEqual(t, page.Offset, int64(ltx.HeaderSize))
				require.Greater(t, page.Size, int64(ltx.PageHeaderSize))
				require.LessOrEqual(t, page.Offset+page.Size, size)
			}
		}
	})
}

func FuzzFetchPage(f *testing.F) {
	file := makeLTX(f, 512, 5)
	index, err := ltxstore.FetchPageIndex(f.Context(), file.client(), file.info())
	require.NoError(f, err)
	for _, page := range index {
		f.Add(file.bytes[page.Offset:page.Offset+page.Size], int64(ltx.HeaderSize), page.Size)
	}
	old := append([]byte{0, 0, 0, 7, 0, 0}, lz4Frame(make([]byte, 512))...)
	f.Add(old, int64(ltx.HeaderSize), int64(len(old)))
	bomb := append([]byte{0, 0, 0, 7, 0, 0}, lz4Bomb(1)...)
	f.Add(bomb, int64(ltx.HeaderSize), int64(len(bomb)))
	f.Add([]byte{}, int64(-1), int64(1)<<62)
	f.Fuzz(func(t *testing.T, frame []byte, offset, size int64) {
		for _, r := range [][2]int64{{offset, size}, {ltx.HeaderSize, int64(len(frame))}} {
			c := &fakeClient{min: 5, max: 9, file: append(make([]byte, ltx.HeaderSize), frame...)}
			// The older framing has no bound but the ratio of LZ4, 255.
			limit := uint64(16 << 20)
			var hdr ltx.PageHeader
			var data []byte
			var err error
			require.Less(t, allocates(func() { hdr, data, err = ltxstore.FetchPage(t.Context(), c, 0, 5, 9, r[0], r[1]) }), limit)
			require.Zero(t, c.open)
			if err != nil {
				require.Nil(t, data)
				continue
			}
			require.NotZero(t, hdr.Pgno)
			require.True(t, ltx.IsValidPageSize(uint32(len(data))))
		}
	})
}
