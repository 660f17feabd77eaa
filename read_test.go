package ltxstore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// listing is a client with a listing of these files, then err.
func listing(err error, files ...ltx.FileInfo) *fakeClient {
	return &fakeClient{list: func(ctx context.Context, _ int, _ ltx.TXID, _ bool) (ltx.FileIterator, error) {
		pages := [][]ltx.FileInfo{files}
		return backend.NewPageIterator(ctx, func(context.Context) ([]ltx.FileInfo, bool, error) {
			if len(pages) == 0 {
				return nil, false, err
			}
			page := pages[0]
			pages = nil
			return page, err != nil, nil
		}, backend.PageOptions{}), nil
	}}
}

func all(*ltx.FileInfo) (bool, error) { return true, nil }

func TestFindLTXFiles(t *testing.T) {
	client := listing(nil, ones(1, 2, 3, 4, 5)...)
	for name, tt := range map[string]struct {
		filter func(*ltx.FileInfo) (bool, error)
		want   []ltx.TXID
		seen   int
	}{
		"all":  {all, []ltx.TXID{1, 2, 3, 4, 5}, 5},
		"none": {func(*ltx.FileInfo) (bool, error) { return false, nil }, nil, 5},
		"some": {func(f *ltx.FileInfo) (bool, error) { return f.MinTXID%2 == 0, nil }, []ltx.TXID{2, 4}, 5},
		"stop with the file": {func(f *ltx.FileInfo) (bool, error) {
			if f.MinTXID == 3 {
				return true, ltxstore.ErrStopIter
			}
			return true, nil
		}, []ltx.TXID{1, 2, 3}, 3},
		"stop without the file": {func(f *ltx.FileInfo) (bool, error) {
			if f.MinTXID == 3 {
				return false, fmt.Errorf("enough: %w", ltxstore.ErrStopIter)
			}
			return true, nil
		}, []ltx.TXID{1, 2}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			seen := 0
			files, err := ltxstore.FindLTXFiles(t.Context(), client, 2, true, func(f *ltx.FileInfo) (bool, error) {
				seen++
				return tt.filter(f)
			})
			require.NoError(t, err)
			var got []ltx.TXID
			for _, f := range files {
				got = append(got, f.MinTXID)
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.seen, seen)
		})
	}
}

func TestFindLTXFilesArguments(t *testing.T) {
	empty := listing(nil)
	client := &fakeClient{list: func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		assert.Equal(t, 7, level)
		assert.Zero(t, seek)
		assert.True(t, useMetadata)
		return empty.list(ctx, level, seek, useMetadata)
	}}
	files, err := ltxstore.FindLTXFiles(t.Context(), client, 7, true, all)
	require.NoError(t, err)
	assert.Empty(t, files)
}

// A partial listing is never taken for the whole.
func TestFindLTXFilesErrors(t *testing.T) {
	failure := errors.New("503")
	for name, tt := range map[string]struct {
		client *fakeClient
		filter func(*ltx.FileInfo) (bool, error)
	}{
		"LTXFiles": {&fakeClient{list: func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) { return nil, failure }}, all},
		"listing":  {listing(failure, ones(1, 2)...), all},
		"filter":   {listing(nil, ones(1, 2)...), func(f *ltx.FileInfo) (bool, error) { return true, failure }},
		"Close": {&fakeClient{list: func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
			return &badClose{err: failure}, nil
		}}, all},
		"Close after stop": {&fakeClient{list: func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
			return &badClose{err: failure}, nil
		}},
			func(*ltx.FileInfo) (bool, error) { return true, ltxstore.ErrStopIter }},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := ltxstore.FindLTXFiles(t.Context(), tt.client, 0, false, tt.filter)
			assert.Equal(t, failure, err)
			assert.Nil(t, files)
		})
	}
}

// badClose has one item, and fails when it is closed.
type badClose struct {
	err   error
	begun bool
}

func (b *badClose) Next() bool          { begun := b.begun; b.begun = true; return !begun }
func (b *badClose) Item() *ltx.FileInfo { return &ltx.FileInfo{} }
func (b *badClose) Err() error          { return nil }
func (b *badClose) Close() error        { return b.err }

func TestFetchLTXHeader(t *testing.T) {
	f := makeLTX(t, 4096, 3)
	c := f.client()
	info := f.info()
	info.Size = 0 // does not matter
	hdr, err := ltxstore.FetchLTXHeader(t.Context(), c, info)
	require.NoError(t, err)
	assert.Equal(t, f.header, hdr)
	assert.Equal(t, [][2]int64{{0, ltx.HeaderSize}}, c.opened)
	assert.Zero(t, c.open)

	_, err = ltxstore.FetchLTXHeader(t.Context(), c, &ltx.FileInfo{MinTXID: 1, MaxTXID: 2})
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestFetchLTXHeaderCorrupt(t *testing.T) {
	f := makeLTX(t, 4096, 1)
	other := f.client()
	other.min = 4
	for name, tt := range map[string]struct {
		client *fakeClient
		file   []byte
		want   string
	}{
		"empty":              {f.client(), nil, "file ends at 0: want 100 bytes from 0"},
		"cut":                {f.client(), f.bytes[:99], "file ends at 99: want 100 bytes from 0"},
		"no magic":           {f.client(), append([]byte("XTX1"), f.bytes[4:]...), "header: "},
		"bad page size":      {f.client(), patched(f.bytes, 8, 1), "header: "},
		"other transactions": {other, f.bytes, "header is of transactions 0000000000000005 to 0000000000000009"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.client.file = tt.file
			_, err := ltxstore.FetchLTXHeader(t.Context(), tt.client, &ltx.FileInfo{MinTXID: tt.client.min, MaxTXID: tt.client.max})
			assert.ErrorIs(t, err, ltxstore.ErrChecksum)
			assert.ErrorContains(t, err, tt.want)
			assert.ErrorContains(t, err, "fake: read level 0 "+ltx.FormatFilename(tt.client.min, tt.client.max))
			assert.Zero(t, tt.client.open)
		})
	}
}

// patched returns a copy with one byte flipped at i, from the end if negative.
func patched(b []byte, i int, flip byte) []byte {
	b = bytes.Clone(b)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= flip
	return b
}

// A transfer that fails is told as it is: it says nothing about the file.
func TestFetchTransferFails(t *testing.T) {
	reset := errors.New("connection reset")
	large := makeLTX(t, 512, 6000)
	for _, n := range []int{0, 50, len(large.bytes) - 10} {
		c := large.client()
		c.file, c.readErr = c.file[:n], reset
		if n < ltx.HeaderSize {
			_, err := ltxstore.FetchLTXHeader(t.Context(), c, large.info())
			assert.Equal(t, reset, err)
			_, _, err = ltxstore.FetchPage(t.Context(), c, 0, c.min, c.max, 100, 50)
			assert.Equal(t, reset, err)
		}
		_, err := ltxstore.FetchPageIndex(t.Context(), c, large.info())
		assert.Equal(t, reset, err)
		assert.Zero(t, c.open)
	}

	// The second request, for an index that is longer than the guess.
	c := &secondFails{fakeClient: large.client(), failure: reset}
	_, err := ltxstore.FetchPageIndex(t.Context(), c, large.info())
	assert.Equal(t, reset, err)
	assert.Len(t, c.opened, 2)
	assert.Zero(t, c.open)
	c = &secondFails{fakeClient: large.client(), failure: fs.ErrNotExist, atOpen: true}
	_, err = ltxstore.FetchPageIndex(t.Context(), c, large.info())
	assert.Equal(t, fs.ErrNotExist, err)
}

// secondFails fails the second OpenLTXFile, or the reading of its body.
type secondFails struct {
	*fakeClient
	failure error
	atOpen  bool
}

func (s *secondFails) OpenLTXFile(ctx context.Context, level int, lo, hi ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if len(s.opened) == 1 {
		if s.atOpen {
			return nil, s.failure
		}
		s.file, s.readErr = s.file[:offset+1000], s.failure
	}
	return s.fakeClient.OpenLTXFile(ctx, level, lo, hi, offset, size)
}

func TestFetchPages(t *testing.T) {
	for name, tt := range map[string]struct {
		pageSize uint32
		n        int
		requests int // for the index
	}{
		"one page":         {4096, 1, 1},
		"a few pages":      {4096, 20, 1},
		"smallest page":    {512, 10, 1},
		"largest page":     {65536, 5, 1},
		"long index":       {512, 6000, 2},
		"index at 32 KiB":  {512, 4100, 0}, // either
		"no pages":         {4096, 0, 1},
		"deleted database": {512, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := makeLTX(t, tt.pageSize, tt.n)
			c := f.client()
			index, err := ltxstore.FetchPageIndex(t.Context(), c, f.info())
			require.NoError(t, err)
			assert.Len(t, index, tt.n)
			if tt.requests > 0 {
				assert.Len(t, c.opened, tt.requests)
			}
			for i, pgno := range slices.Sorted(mapsKeys(f.pages)) {
				if tt.n > 100 && i%97 != 0 {
					continue
				}
				elem := index[pgno]
				assert.Equal(t, [3]any{0, f.header.MinTXID, f.header.MaxTXID}, [3]any{elem.Level, elem.MinTXID, elem.MaxTXID})
				c.opened = nil
				hdr, data, err := ltxstore.FetchPage(t.Context(), c, 0, c.min, c.max, elem.Offset, elem.Size)
				require.NoError(t, err)
				require.Equal(t, pgno, hdr.Pgno)
				require.True(t, bytes.Equal(f.pages[pgno], data))
				require.Equal(t, [][2]int64{{elem.Offset, elem.Size}}, c.opened)
			}
			assert.Zero(t, c.open)
		})
	}
}

// indexOf returns a page index, less its footer, of exactly size bytes.
func indexOf(size int) []byte {
	index := make([]byte, 0, size)
	for pgno := uint64(128); ; pgno++ { // two bytes, as long as it is below 1<<14
		offset, length := uint64(ltx.HeaderSize), uint64(50)
		switch missing := size - 1 - len(index); missing {
		case 0:
			return append(index, 0)
		case 7:
			offset, length = 1<<15, 200
		case 6:
			offset, length = 200, 200
		case 5:
			offset = 200
		}
		index = binary.AppendUvarint(index, pgno)
		index = binary.AppendUvarint(index, offset)
		index = binary.AppendUvarint(index, length)
	}
}

// The index may be as long as what is read first, or a little shorter or
// longer.
func TestFetchPageIndexAroundTheGuess(t *testing.T) {
	const guess, footer = 32 << 10, 8 + ltx.TrailerSize
	requests := map[int]int{}
	for size := guess - footer - 20; size < guess+20; size++ {
		index := indexOf(size)
		require.Len(t, index, size)
		file := slices.Concat(make([]byte, 100<<10), index, binary.BigEndian.AppendUint64(nil, uint64(size)), make([]byte, ltx.TrailerSize))
		c := &fakeClient{min: 5, max: 9, file: file}
		_, err := ltxstore.FetchPageIndex(t.Context(), c, &ltx.FileInfo{MinTXID: 5, MaxTXID: 9, Size: int64(len(file))})
		require.NoError(t, err, "index of %d bytes", size)
		want := 1
		if size+footer > guess {
			want = 2
		}
		require.Len(t, c.opened, want, "index of %d bytes", size)
		requests[want]++
	}
	assert.Len(t, requests, 2)
}

func TestFetchPageIndexCorrupt(t *testing.T) {
	const footer = ltx.TrailerSize + 8
	small, large := makeLTX(t, 4096, 5), makeLTX(t, 512, 6000)
	withSize := func(f *ltxFile, size uint64) []byte {
		b := bytes.Clone(f.bytes)
		binary.BigEndian.PutUint64(b[len(b)-footer:], size)
		return b
	}
	for _, f := range []*ltxFile{small, large} {
		size := binary.BigEndian.Uint64(f.bytes[len(f.bytes)-footer:])
		random := bytes.Clone(f.bytes)
		rng := rand.New(rand.NewPCG(3, 4))
		for i := len(random) - footer; i < len(random); i++ {
			random[i] = byte(rng.Uint32())
		}
		for name, file := range map[string][]byte{
			"size is 0":           withSize(f, 0),
			"size too small":      withSize(f, size-1),
			"size too large":      withSize(f, size+1),
			"size is the file's":  withSize(f, uint64(len(f.bytes))),
			"size just fits":      withSize(f, uint64(len(f.bytes)-footer-ltx.HeaderSize)),
			"size does not fit":   withSize(f, uint64(len(f.bytes)-footer-ltx.HeaderSize+1)),
			"size 1 GiB":          withSize(f, 1<<30),
			"size is MaxInt64":    withSize(f, math.MaxInt64),
			"size is MaxInt64+1":  withSize(f, math.MaxInt64+1),
			"size is MaxUint64":   withSize(f, math.MaxUint64),
			"random trailer":      random,
			"first byte of index": patched(f.bytes, -footer-int(size), 0x80),
			"end mark":            patched(f.bytes, -footer-1, 1),
			"empty file":          nil,
			"only a header":       f.bytes[:ltx.HeaderSize],
			"without the last":    f.bytes[:len(f.bytes)-1],
			"without the trailer": f.bytes[:len(f.bytes)-ltx.TrailerSize],
			"half":                f.bytes[:len(f.bytes)/2],
			"more than it":        append(bytes.Clone(f.bytes), make([]byte, 50)...),
		} {
			t.Run(fmt.Sprintf("%d pages/%s", len(f.pages), name), func(t *testing.T) {
				c := f.client()
				c.file = file
				for _, size := range []int{len(file), len(f.bytes)} {
					if bytes.Equal(file[:min(size, len(file))], f.bytes) {
						continue // the whole file, with the right size
					}
					info := f.info()
					info.Size = int64(size)
					allocated := allocates(func() {
						_, err := ltxstore.FetchPageIndex(t.Context(), c, info)
						assert.ErrorIs(t, err, ltxstore.ErrChecksum)
					})
					assert.Less(t, allocated, uint64(4<<20))
				}
				assert.Zero(t, c.open)
			})
		}
	}
}

func TestFetchPageIndexWrongSize(t *testing.T) {
	f := makeLTX(t, 512, 5)
	for _, size := range []int64{math.MinInt64, -1, 0, 1, 123, int64(len(f.bytes)) - 1, int64(len(f.bytes)) + 1, 1 << 30, math.MaxInt64} {
		c, info := f.client(), f.info()
		info.Size = size
		allocated := allocates(func() {
			_, err := ltxstore.FetchPageIndex(t.Context(), c, info)
			assert.ErrorIs(t, err, ltxstore.ErrChecksum, "size %d", size)
		})
		assert.Less(t, allocated, uint64(1<<20))
		if size < ltx.HeaderSize {
			assert.Empty(t, c.opened, "no request for what cannot be")
		}
	}
}

// An index that is well-formed but points elsewhere.
func TestFetchPageIndexOutOfBounds(t *testing.T) {
	f := makeLTX(t, 512, 1)
	good, err := ltxstore.FetchPageIndex(t.Context(), f.client(), f.info())
	require.NoError(t, err)
	elem := good[1]
	first := int64(len(f.bytes)) - ltx.TrailerSize - 8 - int64(binary.BigEndian.Uint64(f.bytes[len(f.bytes)-ltx.TrailerSize-8:]))

	for name, tt := range map[string]struct {
		offset, size int64
		ok           bool
	}{
		"as it is":          {elem.Offset, elem.Size, true},
		"up to the index":   {ltx.HeaderSize, first - ltx.HeaderSize, true},
		"into the index":    {ltx.HeaderSize, first - ltx.HeaderSize + 1, false},
		"in the header":     {ltx.HeaderSize - 1, elem.Size, false},
		"at 0":              {0, elem.Size, false},
		"no size":           {elem.Offset, 0, false},
		"only a header":     {elem.Offset, ltx.PageHeaderSize, false},
		"past the file":     {1 << 40, elem.Size, false},
		"far past the file": {math.MaxInt64, math.MaxInt64, false},
		"sum overflows":     {math.MaxInt64, elem.Size, false},
		"1 GiB":             {elem.Offset, 1 << 30, false},
	} {
		t.Run(name, func(t *testing.T) {
			var index []byte
			for _, v := range []uint64{1, uint64(tt.offset), uint64(tt.size), 0} {
				index = binary.AppendUvarint(index, v)
			}
			file := slices.Concat(f.bytes[:first], index, binary.BigEndian.AppendUint64(nil, uint64(len(index))), make([]byte, ltx.TrailerSize))
			c, info := f.client(), f.info()
			c.file, info.Size = file, int64(len(file))
			pages, err := ltxstore.FetchPageIndex(t.Context(), c, info)
			if tt.ok {
				require.NoError(t, err)
				assert.Equal(t, tt.offset, pages[1].Offset)
				assert.Equal(t, tt.size, pages[1].Size)
				return
			}
			assert.ErrorIs(t, err, ltxstore.ErrChecksum)
			assert.ErrorContains(t, err, fmt.Sprintf("page 1 at %d with %d bytes", tt.offset, tt.size))
			assert.Nil(t, pages)
		})
	}
}

func TestFetchPageInvalid(t *testing.T) {
	c := makeLTX(t, 512, 1).client()
	for _, r := range [][2]int64{{-1, 50}, {0, 50}, {99, 50}, {math.MinInt64, 50}, {100, -1}, {100, 0}, {100, 6}, {100, 1 << 20}, {100, math.MaxInt64}} {
		_, _, err := ltxstore.FetchPage(t.Context(), c, 0, c.min, c.max, r[0], r[1])
		assert.ErrorIs(t, err, fs.ErrInvalid, r)
	}
	assert.Empty(t, c.opened)
	_, _, err := ltxstore.FetchPage(t.Context(), c, 0, 1, 1, 100, 50)
	assert.ErrorIs(t, err, fs.ErrNotExist)

	// The smallest and the largest frame are asked for.
	for size, possible := range map[int64]bool{ltx.PageHeaderSize: false, ltx.PageHeaderSize + 1: true, largestFrame: true, largestFrame + 1: false} {
		_, _, err := ltxstore.FetchPage(t.Context(), c, 0, c.min, c.max, 100, size)
		assert.Equal(t, possible, errors.Is(err, ltxstore.ErrChecksum), size)
		if !possible {
			assert.ErrorContains(t, err, fmt.Sprintf("want 7 to %d bytes, a page's frame", largestFrame))
		}
	}
}

// largestFrame is the size of the longest frame that a page may have.
const largestFrame = ltx.PageHeaderSize + 65536 + 65536/255 + 64

// An index may name the largest frame, and begin right behind the header.
func TestFetchPageIndexAtItsBounds(t *testing.T) {
	for _, tt := range []struct {
		frames int // bytes between the header and the index
		index  []uint64
		ok     bool
	}{
		{0, []uint64{0}, true},
		{0, nil, false}, // an index has its end
		{largestFrame + 1, []uint64{1, ltx.HeaderSize, largestFrame, 0}, true},
		{largestFrame + 1, []uint64{1, ltx.HeaderSize, largestFrame + 1, 0}, false},
	} {
		var index []byte
		for _, v := range tt.index {
			index = binary.AppendUvarint(index, v)
		}
		file := slices.Concat(make([]byte, ltx.HeaderSize+tt.frames), index, binary.BigEndian.AppendUint64(nil, uint64(len(index))), make([]byte, ltx.TrailerSize))
		c := &fakeClient{min: 5, max: 9, file: file}
		pages, err := ltxstore.FetchPageIndex(t.Context(), c, &ltx.FileInfo{MinTXID: 5, MaxTXID: 9, Size: int64(len(file))})
		assert.Equal(t, tt.ok, err == nil, "%v", err)
		assert.Equal(t, tt.ok, pages != nil)
	}
}

// lz4Frame is what LTX wrote before version 0.3.9: an LZ4 frame, here of
// blocks that are stored without compression.
func lz4Frame(blocks ...[]byte) []byte {
	b := []byte{0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82}
	for _, block := range blocks {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(block))|1<<31)
		b = append(b, block...)
	}
	return append(b, 0, 0, 0, 0)
}

// lz4Bomb is a frame of n compressed blocks of 4 MiB of one letter each.
func lz4Bomb(n int) []byte {
	const blockSize = 4 << 20
	block := []byte{0x1f, 'A', 1, 0} // one literal, then a match one byte back
	left := blockSize - 1 - 19 - 5
	block = append(block, bytes.Repeat([]byte{255}, left/255)...)
	block = append(block, byte(left%255), 0x50, 'A', 'A', 'A', 'A', 'A')
	b := []byte{0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73}
	for range n {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(block)))
		b = append(b, block...)
	}
	return append(b, 0, 0, 0, 0)
}

func TestFetchPageFrames(t *testing.T) {
	page := bytes.Repeat([]byte("0123456789abcdef"), 512/16)
	block := func(size uint32, data ...byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 7, 0, 1}, size), data...)
	}
	old := func(data []byte) []byte { return append([]byte{0, 0, 0, 7, 0, 0}, data...) }
	for name, tt := range map[string]struct {
		frame []byte
		want  string // the error; empty: it is the page
	}{
		"old framing":               {frame: old(lz4Frame(page))},
		"old framing, two blocks":   {frame: old(lz4Frame(page[:100], page[100:]))},
		"old framing, no page":      {old(lz4Frame(page[:500])), "500 is not the size of a page"},
		"old framing, nothing":      {old(lz4Frame()), "0 is not the size of a page"},
		"old framing, two pages":    {old(lz4Frame(bytes.Repeat(page, 3))), "1536 is not the size of a page"},
		"old framing, cut":          {old(lz4Frame(page)[:100]), "EOF"},
		"old framing, garbage":      {old([]byte("garbage garbage garbage")), "frame does not decode to"},
		"old framing, bomb":         {old(lz4Bomb(3)), "frame does not decode to 65536 bytes or fewer"},
		"no page number":            {append([]byte{0, 0, 0, 0, 0, 0}, lz4Frame(page)...), "page number required"},
		"end of pages":              {make([]byte, 30), "page number required"},
		"unknown flag":              {append([]byte{0, 0, 0, 7, 0, 2}, lz4Frame(page)...), "flags"},
		"no size":                   {[]byte{0, 0, 0, 7, 0, 1, 0}, "unexpected EOF"},
		"size only":                 {block(0), "0 is not the size of a page"},
		"size too large":            {block(5, 1, 2, 3, 4), "frame states a size of 5, but has 4 bytes of data"},
		"size too small":            {block(3, 1, 2, 3, 4), "frame states a size of 3, but has 4 bytes of data"},
		"size 4 GiB":                {block(math.MaxUint32, 1, 2, 3, 4), "frame states a size of 4294967295, but has 4 bytes of data"},
		"garbage":                   {block(4, 0xff, 0xff, 0xff, 0xff), "decompress"},
		"a block of another length": {block(4, 0x30, 1, 2, 3), "3 is not the size of a page"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &fakeClient{min: 1, max: 1, file: append(make([]byte, ltx.HeaderSize), tt.frame...)}
			allocated := allocates(func() {
				hdr, data, err := ltxstore.FetchPage(t.Context(), c, 0, 1, 1, ltx.HeaderSize, int64(len(tt.frame)))
				if tt.want == "" {
					assert.NoError(t, err)
					assert.Equal(t, uint32(7), hdr.Pgno)
					assert.Equal(t, page, data)
					return
				}
				assert.ErrorIs(t, err, ltxstore.ErrChecksum)
				assert.ErrorContains(t, err, tt.want)
				assert.ErrorContains(t, err, "page at 100")
				assert.Zero(t, hdr)
				assert.Nil(t, data)
			})
			assert.Less(t, allocated, uint64(1<<20))
			assert.Zero(t, c.open)
		})
	}
}

func TestFetchPageCut(t *testing.T) {
	f := makeLTX(t, 512, 2)
	index, err := ltxstore.FetchPageIndex(t.Context(), f.client(), f.info())
	require.NoError(t, err)
	elem := index[3]
	for _, file := range [][]byte{f.bytes[:elem.Offset], f.bytes[:elem.Offset+1], f.bytes[:elem.Offset+elem.Size-1]} {
		c := f.client()
		c.file = file
		_, _, err := ltxstore.FetchPage(t.Context(), c, 0, c.min, c.max, elem.Offset, elem.Size)
		assert.ErrorIs(t, err, ltxstore.ErrChecksum)
		assert.ErrorContains(t, err, fmt.Sprintf("file ends at %d: want %d bytes from %d", len(file), elem.Size, elem.Offset))
	}
	// A range that is off by one is not a page.
	for _, r := range [][2]int64{{elem.Offset + 1, elem.Size}, {elem.Offset, elem.Size - 1}, {elem.Offset, elem.Size + 1}, {elem.Offset - 1, elem.Size}} {
		_, _, err := ltxstore.FetchPage(t.Context(), f.client(), 0, 5, 9, r[0], r[1])
		assert.ErrorIs(t, err, ltxstore.ErrChecksum, r)
	}
}

func mapsKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// allocates returns how many bytes f allocates, freed or not.
func allocates(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
