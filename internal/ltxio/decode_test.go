package ltxio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// encoded returns a snapshot of that many pages, each of which is full of the
// number before its own.
func encoded(t testing.TB, pages int) []byte {
	return encode(t, ltx.Header{Flags: ltx.HeaderFlagNoChecksum, PageSize: 512, Commit: uint32(pages), MinTXID: 1, MaxTXID: 1},
		func(pgno uint32, data []byte) {
			for i := range data {
				data[i] = byte(pgno - 1)
			}
		})
}

// encode returns a file of all pages but the lock page.
func encode(t testing.TB, hdr ltx.Header, fill func(pgno uint32, data []byte)) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	hdr.Version = ltx.Version
	require.NoError(t, enc.EncodeHeader(hdr))
	data := make([]byte, hdr.PageSize)
	sum := ltx.ChecksumFlag | hdr.PreApplyChecksum
	for pgno := uint32(1); pgno <= hdr.Commit; pgno++ {
		fill(pgno, data)
		require.NoError(t, enc.EncodePage(ltx.PageHeader{Pgno: pgno}, data))
		sum = ltx.ChecksumFlag | (sum ^ ltx.ChecksumPage(pgno, data))
	}
	if !hdr.NoChecksum() {
		enc.SetPostApplyChecksum(sum)
	}
	require.NoError(t, enc.Close())
	return buf.Bytes()
}

// decoders are one that decodes page by page, and one that has decoded before and
// decodes several batches at once.
func decoders(t testing.TB) map[string]*ltxio.Decoder {
	used := ltxio.NewParallelDecoder(3, 1024)
	_, _, err := used.Decode(bytes.NewReader(encoded(t, 20)), nil, nil)
	require.NoError(t, err)
	return map[string]*ltxio.Decoder{"pages": new(ltxio.Decoder), "batches": used}
}

// samples are small files of each kind.
func samples(t testing.TB) map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	mixed := func(pgno uint32, data []byte) {
		for i := range data {
			data[i] = byte(pgno)
			if pgno%2 == 0 { // does not compress
				data[i] = byte(random.Uint32())
			}
		}
	}
	return map[string][]byte{
		"snapshot":            encoded(t, 3),
		"tracked snapshot":    encode(t, ltx.Header{PageSize: 512, Commit: 7, MinTXID: 1, MaxTXID: 1}, mixed),
		"tracked transaction": encode(t, ltx.Header{PageSize: 512, Commit: 3, MinTXID: 2, MaxTXID: 2, PreApplyChecksum: ltx.ChecksumFlag | 1}, mixed),
		"older framing":       older(t),
	}
}

// older returns a file whose pages are stored as LZ4 frames without their size.
func older(t testing.TB) []byte {
	return framed(t, func(pgno uint32, page []byte) (uint16, []byte, []byte) { return 0, nil, compress(t, page) })
}

// framed returns a file of two pages whose frames have those flags, that size and
// that data.
func framed(t testing.TB, frame func(pgno uint32, page []byte) (flags uint16, size, data []byte)) []byte {
	body := bytes.Clone(encoded(t, 2)[:ltx.HeaderSize])
	sum := crc64.New(crc64.MakeTable(crc64.ISO))
	add := func(b, summed []byte) {
		body = append(body, b...)
		_, _ = sum.Write(summed)
	}
	_, _ = sum.Write(body)
	var index []byte
	for pgno := uint32(1); pgno <= 2; pgno++ {
		from := len(body)
		page := bytes.Repeat([]byte{byte(pgno - 1)}, 512)
		flags, size, data := frame(pgno, page)
		head, err := (&ltx.PageHeader{Pgno: pgno, Flags: flags}).MarshalBinary()
		require.NoError(t, err)
		add(head, head)
		add(size, size)
		add(data, page)
		for _, n := range []int{int(pgno), from, len(body) - from} {
			index = binary.AppendUvarint(index, uint64(n))
		}
	}
	add(make([]byte, ltx.PageHeaderSize), make([]byte, ltx.PageHeaderSize))
	index = append(index, 0)
	index = binary.BigEndian.AppendUint64(index, uint64(len(index)))
	add(index, index)
	add(make([]byte, 8), make([]byte, 8))
	return binary.BigEndian.AppendUint64(body, uint64(ltx.ChecksumFlag)|sum.Sum64())
}

func TestDecode(t *testing.T) {
	body := encoded(t, 30)
	for name, dec := range decoders(t) {
		for name2, r := range map[string]io.Reader{
			"whole":         bytes.NewReader(body),
			"byte by byte":  iotest.OneByteReader(bytes.NewReader(body)),
			"data with EOF": iotest.DataErrReader(bytes.NewReader(body)),
		} {
			var headers, calls int
			var numbers []uint32
			hdr, trailer, err := dec.Decode(r, func(hdr ltx.Header) error {
				headers++
				assert.EqualValues(t, 30, hdr.Commit)
				return nil
			}, func(pages []ltxio.Page) error {
				calls++
				whole := pages[0].Data[:512*len(pages)]
				for i, p := range pages {
					numbers = append(numbers, p.Number)
					assert.Equal(t, bytes.Repeat([]byte{byte(p.Number - 1)}, 512), p.Data)
					assert.Equal(t, p.Data, whole[512*i:512*(i+1)])
					assert.Equal(t, ltx.ChecksumPage(p.Number, p.Data), p.Checksum)
				}
				return nil
			})
			require.NoError(t, err, "%s, %s", name, name2)
			assert.Equal(t, 1, headers)
			assert.Equal(t, map[string]int{"pages": 30, "batches": 15}[name], calls)
			for i, n := range numbers {
				assert.EqualValues(t, i+1, n)
			}
			assert.Len(t, numbers, 30)
			assert.EqualValues(t, 30, hdr.Commit)
			assert.NotZero(t, trailer.FileChecksum)
		}
		_, _, err := dec.Decode(bytes.NewReader(body), nil, nil)
		assert.NoError(t, err, "either function may be nil")
	}
}

// It decodes what ltx decodes, to the same, and refuses what that refuses: with any
// byte damaged, and cut anywhere, where the file is torn.
func TestDecodeAsLTX(t *testing.T) {
	due := race.OneOf(7)
	for name, body := range samples(t) {
		for decoder, dec := range decoders(t) {
			same := func(body []byte) error {
				want, wantErr := reference(body)
				got := decoded{}
				var err error
				got.header, got.trailer, err = dec.Decode(bytes.NewReader(body), nil, func(pages []ltxio.Page) error {
					for _, p := range pages {
						got.numbers, got.data = append(got.numbers, p.Number), append(got.data, p.Data...)
					}
					return nil
				})
				if wantErr == nil {
					require.NoError(t, err, "%s, %s", name, decoder)
					if got.header != want.header || got.trailer != want.trailer || !slices.Equal(got.numbers, want.numbers) || !bytes.Equal(got.data, want.data) {
						t.Fatalf("%s, %s: not what ltx decodes", name, decoder)
					}
					return nil
				}
				if damage := new(ltxio.DamageError); !errors.As(err, &damage) {
					t.Fatalf("%s, %s: %v, ltx says %v", name, decoder, err, wantErr)
				}
				return err
			}
			require.NoError(t, same(body))
			for n := range body {
				if !due() {
					continue
				}
				damage := new(ltxio.DamageError)
				require.ErrorAs(t, same(body[:n]), &damage, "%s cut after %d bytes", name, n)
				assert.True(t, damage.Torn, "%s cut after %d bytes: %v", name, n, damage)
				assert.EqualValues(t, n, damage.Size)
				damaged := bytes.Clone(body)
				damaged[n] ^= 1 << (n % 8)
				_ = same(damaged)
			}
			require.Error(t, same(append(slices.Clip(body), 0)), "a byte too many")
		}
	}
}

// What is damaged and has a right checksum nevertheless is refused as ltx does.
func TestDecodeRefuses(t *testing.T) {
	body := samples(t)["tracked snapshot"]
	tail := len(body) - ltx.TrailerSize
	index := tail - 8 - int(binary.BigEndian.Uint64(body[tail-8:tail]))
	var offset, size uint64
	read := bytes.NewReader(body[index:])
	_, _ = binary.ReadUvarint(read)
	offset, _ = binary.ReadUvarint(read)
	size, _ = binary.ReadUvarint(read)
	entries := func(entries ...[3]uint64) []byte {
		changed := bytes.Clone(body[:index])
		block := []byte{}
		for _, e := range entries {
			for _, n := range e {
				block = binary.AppendUvarint(block, n)
			}
		}
		block = append(block, 0)
		changed = append(append(changed, block...), binary.BigEndian.AppendUint64(nil, uint64(len(block)))...)
		return append(changed, body[tail:]...)
	}
	right := make([][3]uint64, 7)
	for i := range right {
		right[i] = [3]uint64{uint64(i + 1), offset + uint64(i)*size, size}
	}
	with := func(change func(all [][3]uint64) [][3]uint64) []byte { return entries(change(slices.Clone(right))...) }
	for want, body := range map[string][]byte{
		"has 6 pages, but the file has 7": with(func(all [][3]uint64) [][3]uint64 { return all[:6] }),
		"page 8 is beyond the end":        with(func(all [][3]uint64) [][3]uint64 { all[6][0] = 8; return all }),
		"page 6 after page 6":             with(func(all [][3]uint64) [][3]uint64 { all[6][0] = 6; return all }),
		"but the previous one ends":       with(func(all [][3]uint64) [][3]uint64 { all[6][1]--; return all }),
		"frame of page 1 is at 99,":       with(func(all [][3]uint64) [][3]uint64 { all[0][1] = ltx.HeaderSize - 1; return all }),
		"with 6 bytes":                    with(func(all [][3]uint64) [][3]uint64 { all[6][2] = ltx.PageHeaderSize; return all }),
		"with 9223372036854775808":        with(func(all [][3]uint64) [][3]uint64 { all[6][2] = 1 << 63; return all }),
		"with 9223372036854775807":        with(func(all [][3]uint64) [][3]uint64 { all[6][2] = 1<<63 - 1; return all }),
	} {
		require.ErrorContains(t, refused(t, body), want)
	}

	other := bytes.Clone(body)
	binary.BigEndian.PutUint64(other[tail:], uint64(ltx.ChecksumFlag)|5)
	require.ErrorContains(t, refused(t, resummed(t, other)), "database checksum is 8000000000000005 in the trailer")
	require.ErrorIs(t, refused(t, other), ltx.ErrChecksumMismatch)
}

// resummed returns the file with the checksum that it should have.
func resummed(t *testing.T, body []byte) []byte {
	sum := crc64.New(crc64.MakeTable(crc64.ISO))
	rest := body[ltx.HeaderSize:]
	_, _ = sum.Write(body[:ltx.HeaderSize])
	page := make([]byte, 512)
	for !bytes.Equal(rest[:ltx.PageHeaderSize], make([]byte, ltx.PageHeaderSize)) {
		const head = ltx.PageHeaderSize + 4
		_, _ = sum.Write(rest[:head])
		size := binary.BigEndian.Uint32(rest[ltx.PageHeaderSize:])
		_, data, err := ltx.DecodePageData(rest[:head+size])
		require.NoError(t, err)
		require.Len(t, data, len(page))
		_, _ = sum.Write(data)
		rest = rest[head+size:]
	}
	_, _ = sum.Write(rest[:len(rest)-8])
	return binary.BigEndian.AppendUint64(bytes.Clone(body[:len(body)-8]), uint64(ltx.ChecksumFlag)|sum.Sum64())
}

// refused returns the error of a file that ltx refuses too.
func refused(t *testing.T, body []byte) error {
	_, err := reference(body)
	require.Error(t, err)
	_, _, err = ltxio.Decode(bytes.NewReader(body), nil, nil)
	damage := new(ltxio.DamageError)
	require.ErrorAs(t, err, &damage)
	return err
}

type decoded struct {
	header  ltx.Header
	trailer ltx.Trailer
	numbers []uint32
	data    []byte
}

// reference decodes with ltx, but for frames that claim to be large, for which
// that allocates gigabytes.
func reference(body []byte) (d decoded, err error) {
	if n := ltx.HeaderSize + ltx.PageHeaderSize; len(body) > n+4 && body[n-1]&byte(ltx.PageHeaderFlagSize) != 0 {
		for at := ltx.HeaderSize; at+n-ltx.HeaderSize+4 <= len(body); {
			size := int64(binary.BigEndian.Uint32(body[at+ltx.PageHeaderSize:]))
			if bytes.Equal(body[at:at+ltx.PageHeaderSize], make([]byte, ltx.PageHeaderSize)) {
				break
			}
			if size > 1<<20 {
				return d, errors.New("too large")
			}
			at += ltx.PageHeaderSize + 4 + int(size)
		}
	}
	dec := ltx.NewDecoder(bytes.NewReader(body))
	if err := dec.DecodeHeader(); err != nil {
		return d, err
	}
	d.header = dec.Header()
	page := make([]byte, d.header.PageSize)
	for {
		var hdr ltx.PageHeader
		for i := range page { // a page that decodes to less keeps the rest
			page[i] = 0xa5
		}
		switch err := dec.DecodePage(&hdr, page); err {
		case nil:
			d.numbers, d.data = append(d.numbers, hdr.Pgno), append(d.data, page...)
			continue
		case io.EOF:
			err = dec.Close()
			d.trailer = dec.Trailer()
			return d, err
		default:
			return d, err
		}
	}
}

// What is wrong with a page is told, and not what is wrong behind it.
func TestDecodeFirstDamage(t *testing.T) {
	body := encoded(t, 30)
	second := ltx.HeaderSize + (len(body)-ltx.HeaderSize)/60
	for name, dec := range decoders(t) {
		damaged := bytes.Clone(body[:len(body)/2])
		damaged[second] ^= 0x7f
		_, _, err := dec.Decode(bytes.NewReader(damaged), nil, nil)
		damage := new(ltxio.DamageError)
		require.ErrorAs(t, err, &damage, name)
		assert.False(t, damage.Torn, "%s: %v", name, err)
	}
}

// What fails otherwise is no damage of the file.
func TestDecodeForeignErrors(t *testing.T) {
	body, failure := encoded(t, 30), errors.New("disk")
	for name, dec := range decoders(t) {
		for n := range body {
			_, _, err := dec.Decode(io.MultiReader(bytes.NewReader(body[:n]), iotest.ErrReader(failure)), nil, nil)
			require.Equal(t, failure, err, "%s: after %d bytes", name, n)
		}
		_, _, err := dec.Decode(bytes.NewReader(body), func(ltx.Header) error { return failure }, nil)
		assert.Equal(t, failure, err)
		for _, fail := range []int{1, 2, 5} {
			calls := 0
			_, _, err = dec.Decode(bytes.NewReader(body), nil, func([]ltxio.Page) error {
				if calls++; calls == fail {
					return failure
				}
				return nil
			})
			assert.Equal(t, failure, err)
			assert.Equal(t, fail, calls)
		}
		_, _, err = dec.Decode(bytes.NewReader(body), nil, nil)
		require.NoError(t, err, "the decoder can be used again")
	}
}

// A damaged size is refused before anything of that size is allocated.
func TestDecodeRefusesFrameSize(t *testing.T) {
	const size = ltx.HeaderSize + ltx.PageHeaderSize
	const largest = 65536 + 65536/255 + 16 // a page of noise, in LZ4
	for claimed, want := range map[uint32]string{0: "frame has size", largest: "read compressed data", largest + 1: "frame has size",
		1 << 17: "frame has size", 1<<32 - 1: "frame has size"} {
		body := encoded(t, 3)
		binary.BigEndian.PutUint32(body[size:], claimed)
		for _, r := range []io.Reader{bytes.NewReader(body), iotest.OneByteReader(bytes.NewReader(body))} {
			_, _, err := ltxio.Decode(r, nil, nil)
			require.ErrorContains(t, err, want, "%d", claimed)
		}
	}
}

// A frame must decode to a whole page: nothing else completes it.
func TestDecodeRefusesAShortPage(t *testing.T) {
	sized := func(short int) []byte {
		return framed(t, func(_ uint32, page []byte) (uint16, []byte, []byte) {
			data := make([]byte, lz4.CompressBlockBound(len(page)))
			n, err := lz4.CompressBlock(page[:len(page)-short], data, nil)
			require.NoError(t, err)
			return ltx.PageHeaderFlagSize, binary.BigEndian.AppendUint32(nil, uint32(n)), data[:n]
		})
	}
	for name, dec := range decoders(t) {
		_, _, err := dec.Decode(bytes.NewReader(sized(0)), nil, nil)
		require.NoError(t, err, name)
		for range 2 { // the buffer may have the rest of the page from before
			_, _, err = dec.Decode(bytes.NewReader(sized(1)), nil, nil)
			require.ErrorContains(t, err, "page 1: decompress block: decoded size is 511", name)
		}
	}
}

// A header that is damaged or cut is passed to nobody.
func TestDecodeRefusesHeader(t *testing.T) {
	body := encoded(t, 3)
	magic, flags := bytes.Clone(body), bytes.Clone(body)
	magic[0]++
	flags[4] = 0x80
	for name, body := range map[string][]byte{"cut": body[:ltx.HeaderSize-1], "nothing": nil, "magic": magic, "flags": flags} {
		_, _, err := ltxio.Decode(bytes.NewReader(body), func(ltx.Header) error {
			t.Error("a header was passed on: " + name)
			return nil
		}, nil)
		require.ErrorContains(t, err, "header", name)
	}
}

// Numbers in an index have 64 bits, wherever they are.
func TestDecodeRefusesIndexNumber(t *testing.T) {
	body := samples(t)["tracked snapshot"]
	tail := len(body) - ltx.TrailerSize
	index := body[:tail-8-int(binary.BigEndian.Uint64(body[tail-8:tail]))]
	for before := range 3 {
		for _, long := range []byte{0x80, 0xff} {
			damaged := append(bytes.Clone(index), []byte{1, ltx.HeaderSize}[:min(before, 2)]...)
			damaged = append(damaged, bytes.Repeat([]byte{long}, 10)...)
			damaged = append(damaged, body[len(index):]...)
			_, _, err := ltxio.Decode(bytes.NewReader(damaged), nil, nil)
			require.ErrorContains(t, err, "read page index: number has more than 64 bits", "number %d of %#x", before, long)
		}
	}
}

// No more batches are read ahead than are decoded at the same time.
func TestDecodeReadsAhead(t *testing.T) {
	body := encoded(t, 40)
	frame := (len(body) - ltx.HeaderSize) / 40 // an upper bound: the index is in it
	dec := ltxio.NewParallelDecoder(3, 1024)
	src, first := bytes.NewReader(body), true
	_, _, err := dec.Decode(src, nil, func([]ltxio.Page) error {
		if first {
			assert.LessOrEqual(t, len(body)-src.Len(), ltx.HeaderSize+3*2*frame, "three batches of two pages")
		}
		first = false
		return nil
	})
	require.NoError(t, err)
}

// Memory does not grow with the number of pages.
func TestDecodeAllocations(t *testing.T) {
	dec := decoders(t)["batches"]
	of := func(pages int) float64 {
		body := encoded(t, pages)
		return testing.AllocsPerRun(20, func() {
			_, _, err := dec.Decode(bytes.NewReader(body), nil, func([]ltxio.Page) error { return nil })
			require.NoError(t, err)
		})
	}
	assert.Less(t, of(1000), of(100)+900/2+50, "one for each two pages, a batch: it has its own goroutine")
}

func BenchmarkDecode(b *testing.B) {
	random := rand.NewChaCha8([32]byte{})
	body := encode(b, ltx.Header{PageSize: 4096, Commit: 1 << 14, MinTXID: 1, MaxTXID: 1}, func(_ uint32, data []byte) {
		_, _ = random.Read(data[:len(data)/2])
	})
	for name, decode := range map[string]func(io.Reader) error{
		"pages": func(r io.Reader) error { _, _, err := ltxio.Decode(r, nil, nil); return err },
		"batches": func(r io.Reader) error {
			_, _, err := ltxio.NewDecoder().Decode(r, nil, nil)
			return err
		},
		"ltx": func(r io.Reader) error { return ltx.NewDecoder(r).Verify() },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(4096 << 14)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, decode(bytes.NewReader(body)))
			}
		})
	}
}

func TestName(t *testing.T) {
	assert.Equal(t, "level 1 000000000000000a-000000000000000b.ltx", ltxio.Name(1, 10, 11))
}
