package compress_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

var at = time.Date(2024, 5, 6, 7, 8, 9, 123_000_000, time.UTC)

// replica is a bucket and how to get at what is in it.
type replica struct {
	*mock.Store
	keys backend.Keys
}

func newReplica(t testing.TB) *replica {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	require.NoError(t, err)
	return &replica{mock.NewStore(), keys}
}

func (r *replica) client(cfg compress.Config) *compress.Client {
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	return compress.New(next, cfg)
}

func (r *replica) key(id ltx.TXID) string { return r.keys.File(0, id, id) }

// text compresses to about a third.
func text(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "row %d of a table that has %x rows; ", i, i*i*i)
	}
	return b.Bytes()[:size]
}

// Any zstd program decompresses a file, whatever its number of frames.
func TestFilesAreZstd(t *testing.T) {
	for _, frame := range []int{0, 4096, 1 << 20} {
		for _, size := range []int{1, 255, 256, 4095, 4096, 4097, 8192, 300_000, 1 << 20} {
			r := newReplica(t)
			body := text(size)
			info := wraptest.Write(t, r.client(compress.Config{FrameSize: frame}), 2, body)
			assert.EqualValues(t, size, info.Size)
			o, ok := r.Get(r.key(2))
			require.True(t, ok)
			d, err := zstd.NewReader(bytes.NewReader(o.Body))
			require.NoError(t, err)
			got, err := io.ReadAll(d)
			d.Close()
			require.NoError(t, err)
			assert.True(t, bytes.Equal(body, got), "%d bytes in frames of %d", size, frame)
			got, err = wraptest.Read(t.Context(), r.client(compress.Config{}), 2, 0, 0)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(body, got), "by this package")
		}
	}
	r := newReplica(t)
	wraptest.Write(t, r.client(compress.Config{}), 2, text(1<<20))
	o, _ := r.Get(r.key(2))
	assert.Less(t, len(o.Body), 500_000, "it compresses")
}

// Ranges of every kind, by a client that knows the file and by one that does not,
// across frames of another size than its own.
func TestRanges(t *testing.T) {
	r := newReplica(t)
	body := text(300_000)
	writer := r.client(compress.Config{FrameSize: 8192})
	wraptest.Write(t, writer, 2, body)
	for _, c := range []*compress.Client{writer, r.client(compress.Config{}), r.client(compress.Config{CacheSize: 1})} {
		for _, offset := range []int64{0, 1, 8191, 8192, 65535, 65536, 70_000, 299_999, 300_000, 400_000, 1 << 62} {
			for _, size := range []int64{0, 1, 4096, 65536, 65537, 200_000, 1 << 62} {
				got, err := wraptest.Read(t.Context(), c, 2, offset, size)
				require.NoError(t, err, "%d from %d", size, offset)
				want := body[min(offset, 300_000):]
				if size > 0 {
					want = want[:min(size, int64(len(want)))]
				}
				require.True(t, bytes.Equal(want, got), "%d from %d: %d bytes", size, offset, len(got))
			}
		}
	}
}

// The size of a file that another process wrote costs one request, once; a
// range of it then one.
func TestRequests(t *testing.T) {
	r := newReplica(t)
	writer := r.client(compress.Config{})
	const n = 20
	for id := range ltx.TXID(n) {
		wraptest.Write(t, writer, id+1, replicatest.NewLTXFile(id+1, id+1, at, int(id)*8+1))
	}
	requests := func(do func()) int64 {
		before := r.Requests()
		do()
		return r.Requests() - before
	}
	c := r.client(compress.Config{})
	var infos []*ltx.FileInfo
	assert.EqualValues(t, 1+n, requests(func() { infos = wraptest.List(t, c, true) }), "a page, and each file's end")
	for i, info := range infos {
		assert.EqualValues(t, len(replicatest.NewLTXFile(info.MinTXID, info.MaxTXID, at, i*8+1)), info.Size)
		assert.Equal(t, at, info.CreatedAt)
	}
	for _, metadata := range []bool{false, true} {
		assert.EqualValues(t, 1, requests(func() { assert.Equal(t, infos, wraptest.List(t, c, metadata)) }), "remembered")
	}
	assert.EqualValues(t, 1, requests(func() { assert.Equal(t, infos, wraptest.List(t, writer, true)) }), "written by this client")
	last := infos[n-1]
	var pages map[uint32]ltx.PageIndexElem
	assert.EqualValues(t, 1, requests(func() {
		var err error
		pages, err = ltxstore.FetchPageIndex(t.Context(), c, last)
		require.NoError(t, err)
	}))
	assert.Len(t, pages, 19*8+1)
	page := pages[140]
	assert.EqualValues(t, 1, requests(func() {
		_, _, err := ltxstore.FetchPage(t.Context(), c, 0, last.MinTXID, last.MaxTXID, page.Offset, page.Size)
		require.NoError(t, err)
	}))
	fresh := r.client(compress.Config{})
	assert.EqualValues(t, 1, requests(func() {
		_, err := ltxstore.FetchLTXHeader(t.Context(), fresh, last)
		require.NoError(t, err)
	}), "the beginning needs no trailer")
	assert.EqualValues(t, 3, requests(func() {
		_, err := wraptest.Read(t.Context(), fresh, last.MinTXID, 500_000, 10)
		require.NoError(t, err)
	}), "a listing, the file's end, the frame")
}

// A file from before compression was turned on is read and listed as it is.
func TestPlainFiles(t *testing.T) {
	r := newReplica(t)
	body := replicatest.NewLTXFile(7, 7, at, 40)
	r.Put(r.key(7), mock.Object{Body: body})
	c := r.client(compress.Config{})
	for _, span := range [][2]int64{{0, 0}, {0, 100}, {60_000, 5000}, {70_000, 0}, {1 << 20, 0}} {
		got, err := wraptest.Read(t.Context(), c, 7, span[0], span[1])
		require.NoError(t, err)
		want := body[min(span[0], int64(len(body))):]
		if span[1] > 0 {
			want = want[:span[1]]
		}
		assert.True(t, bytes.Equal(want, got), "%v", span)
	}
	for _, metadata := range []bool{false, true, false} {
		infos := wraptest.List(t, c, metadata)
		require.Len(t, infos, 1)
		assert.EqualValues(t, len(body), infos[0].Size)
	}
	assert.Equal(t, at, wraptest.List(t, c, true)[0].CreatedAt)

	// Another process compresses the replica in place.
	wraptest.Write(t, r.client(compress.Config{}), 7, body)
	got, err := wraptest.Read(t.Context(), c, 7, 70_000, 100)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body[70_000:70_100], got))
	assert.EqualValues(t, len(body), wraptest.List(t, c, false)[0].Size)
}

// A client that knows a file finds out that another process has replaced it.
func TestReplacedFile(t *testing.T) {
	r := newReplica(t)
	c := r.client(compress.Config{FrameSize: 4096})
	older, newer := text(200_000), bytes.ToUpper(text(350_000))
	wraptest.Write(t, c, 3, older)
	wraptest.Write(t, r.client(compress.Config{FrameSize: 8192}), 3, newer)
	lister := r.client(compress.Config{})
	assert.EqualValues(t, len(newer), wraptest.List(t, lister, false)[0].Size)
	wraptest.Write(t, r.client(compress.Config{FrameSize: 8192}), 3, older)
	assert.EqualValues(t, len(older), wraptest.List(t, lister, false)[0].Size, "listed with another size and time")
	wraptest.Write(t, r.client(compress.Config{FrameSize: 8192}), 3, newer)
	for _, span := range [][2]int64{{100_000, 5000}, {199_000, 2000}, {300_000, 10}} {
		got, err := wraptest.Read(t.Context(), c, 3, span[0], span[1])
		require.NoError(t, err)
		assert.True(t, bytes.Equal(newer[span[0]:span[0]+span[1]], got), "%v", span)
	}
	assert.EqualValues(t, len(newer), wraptest.List(t, c, false)[0].Size)
}

// Whatever byte of a file changes, and wherever it is cut off, no read gives
// other bytes than were written.
func TestDamage(t *testing.T) {
	r := newReplica(t)
	created := at.Add(-time.Hour) // not what the store says
	body := replicatest.NewLTXFile(5, 5, created, 1)
	body = append(body, text(9000-len(body)%1000)...)
	wraptest.Write(t, r.client(compress.Config{FrameSize: 4096}), 5, body)
	o, _ := r.Get(r.key(5))
	failed := 0
	c := r.client(compress.Config{CacheSize: 1}) // which remembers nothing
	check := func(stored []byte, what string) {
		r.Put(r.key(5), mock.Object{Body: stored, ModTime: at})
		// A range may be intact; with an offset near the end it is found
		// through the trailer.
		for _, span := range [][2]int64{{0, 0}, {0, 50}, {5000, 0}, {8000, 100}} {
			got, err := wraptest.Read(t.Context(), c, 5, span[0], span[1])
			if err != nil || span == [2]int64{0, 0} {
				require.ErrorIs(t, err, ltxstore.ErrChecksum, what)
				require.False(t, ltxstore.IsRetryable(err), what)
				failed++
				continue
			}
			want := body[span[0]:]
			if span[1] > 0 {
				want = want[:span[1]]
			}
			require.True(t, bytes.Equal(want, got), "%s: %v", what, span)
		}
		infos, err := ltxstore.FindLTXFiles(t.Context(), c, 0, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
		if err != nil {
			require.ErrorIs(t, err, ltxstore.ErrChecksum, what)
			return
		}
		require.EqualValues(t, len(body), infos[0].Size, what)
		require.Equal(t, created, infos[0].CreatedAt, what)
	}
	for i := range o.Body {
		if i > 200 && i < len(o.Body)-200 && i%13 != 0 {
			continue // bytes like those before
		}
		damaged := bytes.Clone(o.Body)
		damaged[i] ^= 0x20
		check(damaged, fmt.Sprintf("byte %d of %d changed", i, len(o.Body)))
	}
	assert.Greater(t, failed, 700, "nearly all of them are found out, though zstd has a few bits that mean nothing")
	for n := 4; n < len(o.Body); n += 1 + n%7 {
		check(o.Body[:n], fmt.Sprintf("cut off at %d of %d", n, len(o.Body)))
	}
	check(append(bytes.Clone(o.Body), 0), "one byte more")
	check(append(bytes.Clone(o.Body), o.Body...), "twice")
}

// A frame that decodes to more than it says, or says too much, is refused before
// the memory is there.
func TestBombs(t *testing.T) {
	framed := func(size uint32, frame []byte) []byte {
		head := []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}
		return append(binary.LittleEndian.AppendUint32(head, size), frame...)
	}
	rle := func(content, block uint32, blocks int) []byte {
		b := binary.LittleEndian.AppendUint32(nil, 0xfd2fb528)
		b = append(b, 0xa4) // single segment, a size of four bytes, a checksum
		b = binary.LittleEndian.AppendUint32(b, content)
		for i := range blocks {
			header := 1<<1 | block<<3
			if i == blocks-1 {
				header |= 1
			}
			b = append(b, byte(header), byte(header>>8), byte(header>>16), 'x')
		}
		b = append(b, 1, 2, 3, 4)
		return framed(uint32(len(b)), b)
	}
	end := func(frameSize, size uint32) []byte {
		b := binary.LittleEndian.AppendUint32([]byte("LTZ1"), frameSize)
		return append(binary.LittleEndian.AppendUint32(append(b, 0, 0, 0, 0), size), make([]byte, 16)...)
	}
	for name, stored := range map[string][]byte{
		"says 2 GiB":          rle(1<<31, 128<<10, 1),
		"is 2 GiB":            rle(1<<31, 128<<10, 16<<10),
		"more than it says":   rle(4096, 128<<10, 2000),
		"a block of 2 MiB":    rle(1<<20, 1<<21-1, 1),
		"a frame of 4 GiB":    framed(1<<32-1, make([]byte, 100)),
		"a trailer of 32 GiB": append(rle(4096, 4096, 1), end(1, 1<<31)...),
		"a trailer of a KiB":  append(rle(4096, 4096, 1), end(4096, 0)...),
	} {
		r := newReplica(t)
		r.Put(r.key(5), mock.Object{Body: stored})
		c := r.client(compress.Config{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, span := range [][2]int64{{0, 0}, {0, 10}, {1 << 30, 10}} {
			_, err := wraptest.Read(t.Context(), c, 5, span[0], span[1])
			assert.ErrorIs(t, err, ltxstore.ErrChecksum, "%s: %v", name, span)
		}
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), name)
	}
}

// stale lists a wrong size the first time, as a store does that has replaced the
// file since.
type stale struct {
	*mock.ReplicaClient
	lists int
	wrong int64
	// always says that all listings are wrong.
	always bool
}

func (s *stale) LTXFiles(ctx context.Context, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	files, err := s.ReplicaClient.LTXFiles(ctx, level, seek, metadata)
	if s.lists++; s.lists == 1 || s.always {
		return &wrongSize{files, s.wrong}, err
	}
	return files, err
}

type wrongSize struct {
	ltx.FileIterator
	by int64
}

func (w *wrongSize) Item() *ltx.FileInfo {
	item := w.FileIterator.Item()
	item.Size += w.by
	return item
}

// A file that is replaced between the listing and the look at it is looked at
// again; a listing that is always wrong is an error.
func TestReplacedWhileListed(t *testing.T) {
	r := newReplica(t)
	body := text(300_000)
	wraptest.Write(t, r.client(compress.Config{}), 2, body)
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	for _, wrong := range []int64{100, 50_000, -100} {
		c := compress.New(&stale{ReplicaClient: next, wrong: wrong}, compress.Config{})
		assert.EqualValues(t, len(body), wraptest.List(t, c, false)[0].Size)
	}
	shorter := compress.New(&stale{ReplicaClient: next, lists: -1}, compress.Config{})
	assert.EqualValues(t, len(body), wraptest.List(t, shorter, false)[0].Size)
	always := compress.New(&stale{ReplicaClient: next, wrong: -10, always: true}, compress.Config{})
	_, err := wraptest.Read(t.Context(), always, 2, 200_000, 10)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
}

func TestInvalidConfig(t *testing.T) {
	for field, cfg := range map[string]compress.Config{
		"Level":               {Level: "fast"},
		"FrameSize":           {FrameSize: 100_000},
		"FrameSize ":          {FrameSize: 2 << 20},
		"FrameSize  ":         {FrameSize: -4096},
		"MetadataConcurrency": {MetadataConcurrency: -1},
		"CacheSize":           {CacheSize: -1},
	} {
		r := newReplica(t)
		c := r.client(cfg)
		_, writeErr := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(text(10)))
		_, readErr := wraptest.Read(t.Context(), c, 1, 0, 0)
		_, listErr := c.LTXFiles(t.Context(), 0, 0, false)
		for _, err := range []error{c.Init(t.Context()), writeErr, readErr, listErr,
			c.DeleteLTXFiles(t.Context(), nil), c.DeleteAll(t.Context())} {
			require.ErrorIs(t, err, fs.ErrInvalid)
			assert.ErrorContains(t, err, string(bytes.TrimSpace([]byte(field)))+" is ")
		}
		assert.Zero(t, r.Requests())
	}
}

func TestLevels(t *testing.T) {
	sizes := make(map[string]int)
	for _, level := range []string{"fastest", "default", "better", "best", ""} {
		r := newReplica(t)
		wraptest.Write(t, r.client(compress.Config{Level: level}), 2, text(100_000))
		o, _ := r.Get(r.key(2))
		sizes[level] = len(o.Body)
		got, err := wraptest.Read(t.Context(), r.client(compress.Config{}), 2, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, text(100_000), got)
	}
	assert.Equal(t, sizes["default"], sizes[""])
	assert.Greater(t, sizes["fastest"], sizes["best"])
}

// With WriteOnce the same body is success, though the compressor makes other
// bytes of it now.
func TestWriteOnce(t *testing.T) {
	r := newReplica(t)
	wraptest.Write(t, r.client(compress.Config{Level: "fastest"}), 2, text(100_000))
	next := mock.NewReplicaClient(mock.Config{Store: r.Store, WriteOnce: true})
	next.SetLogger(nil)
	once := compress.New(next, compress.Config{Level: "best"})
	assert.EqualValues(t, 100_000, wraptest.Write(t, once, 2, text(100_000)).Size)
	_, err := once.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(text(100_001)))
	assert.ErrorIs(t, err, fs.ErrExist)
}

// Optional abilities lead through the wrapper.
func TestAbilities(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{})
	next.SetLogger(nil)
	require.NoError(t, next.Inject(mock.Fault{Op: mock.OpInit, Err: io.ErrClosedPipe}, mock.Fault{Op: mock.OpClose, Err: io.ErrNoProgress}))
	c := compress.New(next, compress.Config{})
	assert.Equal(t, "mock", c.Type())
	assert.Same(t, next, c.Unwrap())
	assert.ErrorIs(t, ltxstore.Init(t.Context(), c), io.ErrClosedPipe)
	assert.ErrorIs(t, ltxstore.Close(c), io.ErrNoProgress)
	found, ok := ltxstore.As[*mock.ReplicaClient](c)
	assert.True(t, ok)
	assert.Same(t, next, found)
	c.SetLogger(nil)
	require.NoError(t, c.Close())
}

// A trailer that is longer than what is read of a file's end costs one read more.
func TestLongTrailer(t *testing.T) {
	r := newReplica(t)
	body := make([]byte, 300*4096)
	wraptest.Write(t, r.client(compress.Config{FrameSize: 4096}), 1, body)
	body[250*4096] = 1
	wraptest.Write(t, r.client(compress.Config{FrameSize: 4096}), 2, body)
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	c := compress.New(next, compress.Config{})
	infos := wraptest.List(t, c, false)
	require.Len(t, infos, 2)
	assert.EqualValues(t, len(body), infos[0].Size)
	assert.Len(t, next.Calls(mock.OpOpen), 4)
	got, err := wraptest.Read(t.Context(), c, 2, 250*4096, 2)
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 0}, got)
}

// A file that is replaced between the reads of its end and of its long trailer is looked
// at again.
func TestReplacedBeforeItsTrailerIsRead(t *testing.T) {
	r := newReplica(t)
	writer := r.client(compress.Config{FrameSize: 4096})
	wraptest.Write(t, writer, 1, make([]byte, 4<<20))
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	reader := mock.NewReplicaClient(mock.Config{Store: r.Store})
	reader.SetLogger(nil)
	opens := 0
	next.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
		if opens++; opens == 2 {
			wraptest.Write(t, writer, 1, text(100_000))
		}
		return reader.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}
	got, err := wraptest.Read(t.Context(), compress.New(next, compress.Config{FrameSize: 4096}), 1, 90_000, 100)
	require.NoError(t, err)
	assert.Equal(t, string(text(100_000)[90_000:90_100]), string(got))
}

// A file of which a range does not decode is another if either its size or its time is.
func TestReplacedFileOfEqualSizeOrTime(t *testing.T) {
	random := make([]byte, 64<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	zeros := make([]byte, 64<<10)
	one, other, longer := slices.Concat(random, zeros), slices.Concat(zeros, random), slices.Concat(zeros, random, random)
	for name, tt := range map[string]struct {
		now   []byte
		sleep time.Duration
	}{"equal size": {other, time.Minute}, "equal time": {longer, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReplica(t)
				c := r.client(compress.Config{FrameSize: 64 << 10})
				wraptest.Write(t, c, 1, one)
				before, _ := r.Get(r.key(1))
				time.Sleep(tt.sleep)
				wraptest.Write(t, r.client(compress.Config{FrameSize: 64 << 10}), 1, tt.now)
				after, _ := r.Get(r.key(1))
				require.Equal(t, name == "equal size", len(before.Body) == len(after.Body))
				got, err := wraptest.Read(t.Context(), c, 1, 100<<10, 10)
				require.NoError(t, err)
				assert.Equal(t, tt.now[100<<10:][:10], got)
			})
		})
	}
}

// What a read costs, by its range and what is known of the file.
func TestRequestsOfRanges(t *testing.T) {
	const frame = 8192
	body := text(24 * frame) // ends with a frame
	plain := replicatest.NewLTXFile(7, 7, at, 40)
	for name, tt := range map[string]struct {
		id           ltx.TXID
		offset, size int64
		want         int64
	}{
		"the most of the beginning":  {2, 0, 64 << 10, 1},
		"the last of the beginning":  {2, 64<<10 - 1, 1, 1},
		"more than the beginning":    {2, 0, 64<<10 + 1, 3},
		"after the beginning":        {2, 64 << 10, 1, 3},
		"to the end":                 {2, 100_000, 0, 3},
		"of an uncompressed file":    {7, 100_000, 10, 4},
		"compressed, now not so":     {8, 100_000, 10, 5},
		"all of an LTX file as such": {7, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplica(t)
			c := r.client(compress.Config{FrameSize: frame})
			want := body
			switch tt.id {
			case 7:
				want = plain
			case 8:
				wraptest.Write(t, c, 8, body)
				want = plain
			default:
				wraptest.Write(t, r.client(compress.Config{FrameSize: frame}), 2, body)
			}
			if tt.id != 2 {
				r.Put(r.key(tt.id), mock.Object{Body: plain, ModTime: at})
			}
			before := r.Requests()
			got, err := wraptest.Read(t.Context(), c, tt.id, tt.offset, tt.size)
			require.NoError(t, err)
			want = want[tt.offset:]
			if tt.size > 0 {
				want = want[:tt.size]
			}
			assert.True(t, bytes.Equal(want, got))
			assert.Equal(t, tt.want, r.Requests()-before)
		})
	}
}

// A file that is neither LTX nor compressed here is damaged, and a transfer that breaks in its first
// bytes fails.
func TestOtherFiles(t *testing.T) {
	r := newReplica(t)
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	c := compress.New(next, compress.Config{})
	e, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer e.Close()
	for _, stored := range []string{"a", "LTX", "LTX2", "no LTX file", "no LTX file at all", string(text(200_000)), string(e.EncodeAll(text(200_000), nil))} {
		r.Put(r.key(1), mock.Object{Body: []byte(stored)})
		for _, span := range [][2]int64{{0, 0}, {0, 1}, {70_000, 1}} {
			_, err := wraptest.Read(t.Context(), c, 1, span[0], span[1])
			assert.ErrorIs(t, err, ltxstore.ErrChecksum, "%.20q, %v", stored, span)
		}
		require.NoError(t, next.Inject(mock.Fault{Op: mock.OpRead, Err: ltxstore.ErrUnavailable}))
		_, err = wraptest.Read(t.Context(), c, 1, 0, 0)
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.EqualValues(t, len(stored), wraptest.List(t, c, false)[0].Size)
		_, err := ltxstore.FindLTXFiles(t.Context(), c, 0, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
		assert.ErrorIs(t, err, ltxstore.ErrChecksum, "%.20q", stored)
	}
}

// A damaged file is listed with its stored size, and with metadata ends the listing, as a
// read that fails does.
func TestListingOfDamage(t *testing.T) {
	r := newReplica(t)
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	wraptest.Write(t, r.client(compress.Config{}), 1, text(1000))
	o, _ := r.Get(r.key(1))
	cut := o.Body[:len(o.Body)-1]
	list := func(metadata bool) ([]*ltx.FileInfo, error) {
		c := compress.New(next, compress.Config{}) // knows nothing
		return ltxstore.FindLTXFiles(t.Context(), c, 0, metadata, func(*ltx.FileInfo) (bool, error) { return true, nil })
	}
	r.Put(r.key(1), mock.Object{Body: cut})
	infos, err := list(false)
	require.NoError(t, err)
	assert.EqualValues(t, len(cut), infos[0].Size)
	_, err = list(true)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)

	plain := replicatest.NewLTXFile(1, 1, at, 40)
	r.Put(r.key(1), mock.Object{Body: plain})
	for nth := 1; nth <= 2; nth++ { // its end, its beginning
		require.NoError(t, next.Inject(mock.Fault{Op: mock.OpOpen, Nth: nth, Err: ltxstore.ErrUnavailable}))
		_, err = list(true)
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable, nth)
	}
	c := compress.New(next, compress.Config{})
	for _, want := range []int64{3, 1} {
		before := r.Requests()
		assert.Equal(t, at, wraptest.List(t, c, true)[0].CreatedAt)
		assert.Equal(t, want, r.Requests()-before)
	}
}
