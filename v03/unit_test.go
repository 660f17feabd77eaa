package v03

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

// A frame's end is found whatever pieces it arrives in.
func TestLZ4End(t *testing.T) {
	for _, options := range [][]lz4.Option{
		{lz4.ChecksumOption(false)},
		{lz4.ChecksumOption(true), lz4.SizeOption(100)},
		{lz4.ChecksumOption(true), lz4.BlockChecksumOption(true), lz4.BlockSizeOption(lz4.Block64Kb)},
	} {
		var frame bytes.Buffer
		w := lz4.NewWriter(&frame)
		require.NoError(t, w.Apply(options...))
		_, err := w.Write(bytes.Repeat([]byte("0123456789"), 20_000))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		whole := frame.Bytes()
		feed := func(b []byte, piece int) (e lz4End) {
			for len(b) > 0 {
				n := min(piece, len(b))
				e.add(b[:n])
				b = b[n:]
			}
			return e
		}
		for _, piece := range []int{1, 2, 3, 7, 100, len(whole) + 1} {
			e := feed(whole, piece)
			assert.Equal(t, lz4Done, e.state)
			assert.False(t, e.more)
			assert.NotEqual(t, lz4Done, feed(whole[:len(whole)-1], piece).state)
			e = feed(append(bytes.Clone(whole), 0), piece)
			assert.Equal(t, lz4Done, e.state)
			assert.True(t, e.more)
		}
	}
}

func TestCheckDatabase(t *testing.T) {
	header := func(magic string, pageSize ...byte) []byte {
		return append(append([]byte(magic), pageSize...), make([]byte, sqliteHeader)...)
	}
	for _, tt := range []struct {
		header []byte
		size   int64
		want   string
	}{
		{header(sqliteMagic, 2, 0), 1024, ""},
		{header(sqliteMagic, 0, 1), 65536, ""},
		{header(sqliteMagic, 2, 0), 99, "not a SQLite database"},
		{header(sqliteMagic, 2, 0), 100, "want a multiple of its page size, 512"},
		{header("SQLite format 4\x00", 2, 0), 1024, "not a SQLite database"},
		{header(sqliteMagic, 1, 0), 1024, "has a page size of 256 bytes"},
		{header(sqliteMagic, 2, 0), 1025, "want a multiple of its page size, 512"},
	} {
		_, err := checkDatabase(tt.header, tt.size)
		if tt.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, tt.want)
		assert.True(t, isFault(err))
	}
}

func TestReaches(t *testing.T) {
	a, b, c := []Segment{{Index: 1, Offset: 5}}, []Segment{{Index: 9}, {Index: 1, Offset: 6}}, []Segment{{Index: 2}}
	for _, tt := range []struct {
		a, b []Segment
		want bool
	}{{nil, nil, false}, {a, nil, true}, {nil, a, false}, {a, a, false}, {b, a, true}, {a, b, false}, {c, b, true}, {b, c, false}} {
		assert.Equal(t, tt.want, reaches(tt.a, tt.b), "%v %v", tt.a, tt.b)
	}
}

// Of two snapshots of one moment the later index counts.
func TestNewestFirst(t *testing.T) {
	at := func(sec int64) time.Time { return time.Unix(sec, 0) }
	g := &Generation{Snapshots: []Snapshot{{Index: 1, CreatedAt: at(5)}, {Index: 2, CreatedAt: at(1)}, {Index: 3, CreatedAt: at(5)}, {Index: 4, CreatedAt: at(3)}}}
	var order []int
	for _, s := range g.newestFirst() {
		order = append(order, s.Index)
	}
	assert.Equal(t, []int{3, 1, 4, 2}, order)
	assert.Equal(t, 1, g.Snapshots[0].Index, "the generation keeps its order")
}

func page(size int, pageSize byte) []byte {
	b := make([]byte, size)
	b[16] = pageSize // of 256 bytes
	return b
}

func TestSpool(t *testing.T) {
	var s spool
	first, second := page(1024, 4), page(1024, 2)
	for _, tt := range []struct {
		pgno uint32
		page []byte
		want bool
	}{{1, first, true}, {1, second, false}, {2, first, false}, {2, second, false}} {
		assert.Equal(t, tt.want, s.startsWith(1024, frame{pgno: tt.pgno, page: tt.page}))
	}
	require.NoError(t, s.add(frame{pgno: 1, page: first}))
	assert.True(t, s.startsWith(1024, frame{pgno: 2, page: second}))
	require.NoError(t, s.empty())
	assert.False(t, s.startsWith(1024, frame{pgno: 2, page: second}))

	s = spool{name: filepath.Join(t.TempDir(), "spool")}
	require.NoError(t, s.add(frame{pgno: 2, page: make([]byte, spoolSize-pgnoLength-1)}))
	assert.Nil(t, s.file)
	s.reset()
	require.NoError(t, s.add(frame{pgno: 2, page: make([]byte, spoolSize-pgnoLength)}))
	require.NotNil(t, s.file, "memory holds less than that")
	n := 0
	require.NoError(t, s.each(spoolSize-pgnoLength, func(pgno uint32, page []byte) error {
		n++
		assert.EqualValues(t, 2, pgno)
		assert.Len(t, page, spoolSize-pgnoLength)
		return nil
	}))
	assert.Equal(t, 1, n)
	require.NoError(t, s.file.Close())
	assert.ErrorIs(t, s.each(512, nil), os.ErrClosed)
	assert.ErrorIs(t, s.empty(), os.ErrClosed)
	assert.ErrorIs(t, s.spill(), os.ErrClosed)
	s.reset()
	assert.NoFileExists(t, s.name)
}

// failing returns a database whose file cannot be read, or not written.
func failing(t *testing.T, op string) *database {
	t.Helper()
	name := filepath.Join(t.TempDir(), "db")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	file, err := os.OpenFile(name, map[string]int{"read": os.O_WRONLY, "write": os.O_RDONLY}[op], 0)
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return &database{f: file, pageSize: 512, pages: 1}
}

// A disk that fails is an error, wherever it does.
func TestDiskFails(t *testing.T) {
	fails := func(op string, err error) {
		t.Helper()
		failed := new(fs.PathError)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, op, failed.Op)
		assert.False(t, isFault(err))
	}
	unread := func() *database { return failing(t, "read") }
	body := append([]byte(sqliteMagic), page(1024-len(sqliteMagic), 2)...)
	fails("read", unread().snapshot(bytes.NewReader(body)))
	fails("read", unread().read(1, make([]byte, 512)))
	fails("write", failing(t, "write").write(1, body[:512]))
	db := failing(t, "write")
	require.NoError(t, db.pending.add(frame{pgno: 2, page: body[:512]}))
	fails("write", db.commit(frame{pgno: 1, commit: 2, page: body[:512]}))

	new := func() *converter {
		return &converter{db: unread(), dir: t.TempDir(), h: &history{segments: &segments{}}, pageSize: 512, old: make([]byte, 512), page: make([]byte, 512),
			result: Conversion{TXID: 1}}
	}
	ctx := t.Context()
	fails("read", new().replace(ctx, 1, body[:512]))
	fails("read", new().resize(0))
	fails("read", new().first(ctx, time.Unix(1, 0)))
	fails("read", new().whole(ctx, 0, 1, time.Unix(1, 0)))
	c := new()
	require.NoError(t, os.Remove(c.dir))
	fails("open", c.whole(ctx, 0, 1, time.Unix(1, 0)))
	assert.Error(t, new().write(ctx, 0, ltx.Header{}, nil), "a header of nothing")
	closed, err := os.Open(c.db.f.Name())
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	assert.ErrorIs(t, new().compare(ctx, 0, ltx.Header{}, closed, 5), os.ErrClosed)
}

// SQLite's lock page is in no LTX file, and those after it are.
func TestResizeAcrossTheLockPage(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	defer file.Close()
	lock := ltx.LockPgno(65536)
	c := &converter{db: &database{f: file, pageSize: 65536, pages: lock + 2}, h: &history{segments: &segments{}}, old: make([]byte, 65536), result: Conversion{TXID: 1}}
	require.NoError(t, c.resize(lock-2))
	var touched []uint32
	require.NoError(t, c.touched.each(lock+2, func(pgno uint32) error { touched = append(touched, pgno); return nil }))
	assert.Equal(t, []uint32{lock - 1, lock + 1, lock + 2}, touched)
	assert.ErrorIs(t, c.touched.each(lock+2, func(uint32) error { return io.ErrShortWrite }), io.ErrShortWrite)
}

// A decoder keeps its first error, and one that is closed reads nothing.
func TestDecoderEnds(t *testing.T) {
	var packed bytes.Buffer
	w := lz4.NewWriter(&packed)
	_, err := io.WriteString(w, "hello")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	open := func(body string) *decoder {
		source := &source{r: strings.NewReader(body)}
		return &decoder{name: "x", rc: io.NopCloser(nil), source: source, lz4: lz4.NewReader(source), damaged: func(err error) error { return err }}
	}
	p := make([]byte, 10)
	whole := open(packed.String())
	n, err := whole.Read(nil)
	assert.Zero(t, n)
	require.NoError(t, err)
	require.NoError(t, whole.Close())
	_, err = whole.Read(p)
	require.ErrorIs(t, err, fs.ErrClosed)

	whole = open(packed.String())
	_, err = io.ReadAll(whole)
	require.NoError(t, err)
	_, err = whole.Read(p)
	require.Equal(t, io.EOF, err)
	require.NoError(t, whole.Close())
	_, err = whole.Read(p)
	require.ErrorIs(t, err, fs.ErrClosed)

	damaged := open("no LZ4 at all")
	_, first := damaged.Read(p)
	require.True(t, isFault(first))
	_, err = damaged.Read(nil)
	assert.Equal(t, first, err)
	require.NoError(t, damaged.Close())
	_, err = damaged.Read(p)
	assert.Equal(t, first, err, "and not that it is closed")
}
