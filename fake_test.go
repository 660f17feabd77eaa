package ltxstore_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// fakeClient serves one file of level 0 from memory, and lists what its
// field list says. It counts requests and the readers that are open.
type fakeClient struct {
	min, max ltx.TXID
	file     []byte
	readErr  error // after the file's last byte, instead of io.EOF
	list     func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error)

	mu     sync.Mutex
	opened [][2]int64 // offset and size of each OpenLTXFile
	open   int
}

func (c *fakeClient) Type() string { return "fake" }

func (c *fakeClient) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return c.list(ctx, level, seek, useMetadata)
}

func (c *fakeClient) OpenLTXFile(_ context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened = append(c.opened, [2]int64{offset, size})
	if level != 0 || minTXID != c.min || maxTXID != c.max {
		return nil, &ltxstore.Error{Op: "open", Backend: "fake", Kind: fs.ErrNotExist}
	}
	if offset < 0 || size < 0 {
		return nil, backend.Invalid("fake", "open", "offset or size", [2]int64{offset, size}, "want no negative one")
	}
	if size == 0 {
		size = math.MaxInt64
	}
	left := c.file[min(offset, int64(len(c.file))):]
	left = left[:min(size, int64(len(left)))]
	c.open++
	return &fakeFile{Reader: bytes.NewReader(left), client: c}, nil
}

func (c *fakeClient) WriteLTXFile(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
	panic("not used")
}
func (c *fakeClient) DeleteLTXFiles(context.Context, []*ltx.FileInfo) error { panic("not used") }
func (c *fakeClient) DeleteAll(context.Context) error                       { panic("not used") }

type fakeFile struct {
	*bytes.Reader
	client *fakeClient
}

func (f *fakeFile) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF && f.client.readErr != nil {
		err = f.client.readErr
	}
	return n, err
}

func (f *fakeFile) Close() error {
	f.client.mu.Lock()
	defer f.client.mu.Unlock()
	f.client.open--
	return nil
}

// ltxFile is a real LTX file and what is in it.
type ltxFile struct {
	bytes  []byte
	header ltx.Header
	pages  map[uint32][]byte
}

func (f *ltxFile) info() *ltx.FileInfo {
	return &ltx.FileInfo{MinTXID: f.header.MinTXID, MaxTXID: f.header.MaxTXID, Size: int64(len(f.bytes))}
}

func (f *ltxFile) client() *fakeClient {
	return &fakeClient{min: f.header.MinTXID, max: f.header.MaxTXID, file: f.bytes}
}

// makeLTX encodes a file with n pages of pageSize bytes, a mixture of pages
// that compress and that do not.
func makeLTX(t testing.TB, pageSize uint32, n int) *ltxFile {
	t.Helper()
	f := &ltxFile{pages: make(map[uint32][]byte), header: ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum,
		PageSize: pageSize, Commit: uint32(2*n + 1), MinTXID: 5, MaxTXID: 9, Timestamp: 1700000000123}}
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	require.NoError(t, enc.EncodeHeader(f.header))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		pgno := uint32(2*i + 1)
		data := make([]byte, pageSize)
		if i%2 == 0 {
			for j := range data {
				data[j] = byte(rng.Uint32())
			}
		}
		data[0] = byte(i)
		f.pages[pgno] = data
		require.NoError(t, enc.EncodePage(ltx.PageHeader{Pgno: pgno}, data))
	}
	require.NoError(t, enc.Close())
	f.bytes = buf.Bytes()
	return f
}

// listed is a file with these TXIDs and content.
func listed(lo, hi ltx.TXID) ltx.FileInfo {
	return ltx.FileInfo{Level: 2, MinTXID: lo, MaxTXID: hi, Size: 100}
}

// ones are files of one transaction each.
func ones(ids ...ltx.TXID) (files []ltx.FileInfo) {
	for _, id := range ids {
		files = append(files, listed(id, id))
	}
	return files
}
