package checksum_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/checksum"
)

var at = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// good is an LTX file of transaction 2, of about 12 KB.
func good() []byte { return replicatest.NewLTXFile(2, 2, at, 3) }

// damaged returns files that begin with a valid header of transaction 2 and are
// wrong.
func damaged() map[string][]byte {
	files := make(map[string][]byte)
	size := len(good())
	for name, at := range map[string]int{"time": 39, "page": 5000, "index": size - ltx.TrailerSize - 9, "checksum": size - 1} {
		files["another "+name] = good()
		files["another "+name][at] ^= 1
	}
	for name, n := range map[string]int{"header": ltx.HeaderSize, "page": 5000, "last byte": size - 1} {
		files["cut off after the "+name] = good()[:n]
	}
	files["a byte too many"] = append(good(), 0)
	files["1 MiB too many"] = append(good(), make([]byte, 1<<20)...)
	files["another file behind"] = append(good(), good()...)
	files["a frame of 4 GiB"] = bomb()
	return files
}

// bomb claims a page's frame of 4 GiB.
func bomb() []byte {
	page := binary.BigEndian.AppendUint32(nil, 1)
	page = binary.BigEndian.AppendUint16(page, ltx.PageHeaderFlagSize)
	return append(append(good()[:ltx.HeaderSize], page...), bytes.Repeat([]byte{0xff}, 100)...)
}

func TestWriteRefusesDamage(t *testing.T) {
	for name, body := range damaged() {
		for kind, r := range map[string]io.Reader{
			"seekable": bytes.NewReader(body), "sized": bytes.NewBuffer(bytes.Clone(body)), "plain": iotest.HalfReader(bytes.NewReader(body)),
			"byte by byte": iotest.OneByteReader(bytes.NewReader(body)), "data with EOF": iotest.DataErrReader(bytes.NewReader(body)),
		} {
			next := wraptest.Quiet()
			_, err := next.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(good()))
			require.NoError(t, err)
			client := checksum.New(next, checksum.Config{OtherBodies: true})
			_, err = client.WriteLTXFile(t.Context(), 0, 2, 2, r)
			assert.ErrorIs(t, err, ltxstore.ErrChecksum, "%s, %s", name, kind)
			assert.False(t, ltxstore.IsRetryable(err))
			stored, _ := next.Store().Get(next.Store().Keys()[0])
			assert.Equal(t, good(), stored.Body, "%s, %s: what was there stays", name, kind)
			_, err = client.WriteLTXFile(t.Context(), 1, 2, 2, bytes.NewReader(body))
			assert.ErrorIs(t, err, ltxstore.ErrChecksum, name)
			assert.Len(t, next.Store().Keys(), 1, "nothing is published")
		}
	}
}

func TestReadFindsDamage(t *testing.T) {
	files := damaged()
	files["of another name"] = replicatest.NewLTXFile(3, 3, at, 1)
	files["none"] = []byte("LT")
	files["other content"] = []byte("a plain body")
	for name, body := range files {
		for kind, over := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "data with EOF": iotest.DataErrReader,
		} {
			next := wraptest.Quiet()
			put(t, next, body)
			rc, err := checksum.New(altered{next, over}, checksum.Config{}).OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
			require.NoError(t, err)
			got, err := io.ReadAll(rc)
			assert.ErrorIs(t, err, ltxstore.ErrChecksum, "%s, %s", name, kind)
			assert.IsType(t, &ltxstore.Error{}, err)
			assert.Less(t, len(got), len(body)+1)
			_, again := rc.Read(make([]byte, 1))
			assert.Equal(t, err, again)
			assert.NoError(t, rc.Close())
			_, again = rc.Read(make([]byte, 1))
			assert.Equal(t, err, again, "closing does not hide the damage")

			// A range is not checked.
			rc, err = checksum.New(next, checksum.Config{}).OpenLTXFile(t.Context(), 0, 2, 2, 0, int64(len(body)))
			require.NoError(t, err)
			got, err = io.ReadAll(rc)
			assert.NoError(t, err)
			assert.Equal(t, body, got)
			require.NoError(t, rc.Close())
		}
	}
}

// A whole file is read to its end, however it arrives.
func TestReadOfAWholeFile(t *testing.T) {
	next := wraptest.Quiet()
	put(t, next, good())
	for kind, over := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "data with EOF": iotest.DataErrReader,
	} {
		rc, err := checksum.New(altered{next, over}, checksum.Config{}).OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
		require.NoError(t, err)
		got, err := io.ReadAll(rc)
		require.NoError(t, err, kind)
		assert.Equal(t, good(), got, kind)
		assert.NoError(t, rc.Close())
	}
}

// put stores a body of which nothing is checked.
func put(t *testing.T, next *mock.ReplicaClient, body []byte) {
	t.Helper()
	_, err := next.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader([]byte("something")))
	require.NoError(t, err)
	next.Store().Put(next.Store().Keys()[0], mock.Object{Body: body})
}

// altered changes how a file is read.
type altered struct {
	ltxstore.ReplicaClient
	over func(io.Reader) io.Reader
}

func (o altered) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := o.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	return struct {
		io.Reader
		io.Closer
	}{o.over(rc), rc}, err
}

func TestOtherBodies(t *testing.T) {
	body := []byte("a plain body")
	next := wraptest.Quiet()
	_, err := checksum.New(next, checksum.Config{}).WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(body))
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "mock: write level 0 0000000000000002-0000000000000002.ltx: body is not an LTX file: want one, or OtherBodies")
	assert.Empty(t, next.Calls(mock.OpWrite))

	client := checksum.New(next, checksum.Config{OtherBodies: true})
	_, err = client.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(body))
	require.NoError(t, err)
	rc, err := client.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.NoError(t, err)
	got, err := io.ReadAll(rc)
	require.NoError(t, err)
	assert.Equal(t, body, got)
	assert.NoError(t, rc.Close())
	_, err = rc.Read(make([]byte, 1))
	assert.ErrorIs(t, err, fs.ErrClosed)
}

// The length of a body is told to the next client, and no byte can be read twice.
func TestBodyKeepsItsLength(t *testing.T) {
	for kind, r := range map[string]io.Reader{"seekable": bytes.NewReader(good()), "sized": bytes.NewBuffer(good()), "unknown": iotest.HalfReader(bytes.NewReader(good()))} {
		next := &spy{ReplicaClient: wraptest.Quiet()}
		_, err := checksum.New(next, checksum.Config{}).WriteLTXFile(t.Context(), 0, 2, 2, r)
		require.NoError(t, err)
		_, seeks := next.body.(io.Seeker)
		assert.False(t, seeks)
		sized, ok := next.body.(interface{ Len() int })
		assert.Equal(t, kind != "unknown", ok, kind)
		if ok {
			assert.Equal(t, len(good()), next.length)
			assert.Zero(t, sized.Len())
		}
	}
}

type spy struct {
	ltxstore.ReplicaClient
	body   io.Reader
	length int
}

func (s *spy) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	s.body = r
	if sized, ok := r.(interface{ Len() int }); ok {
		s.length = sized.Len()
	}
	return s.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
}

// A store that reports success and was refused the body, or has not read it, does
// not pass for one that stored it.
func TestStoreThatIgnoresTheBody(t *testing.T) {
	body := good()
	body[5000] ^= 1
	for name, read := range map[string]func(io.Reader){
		"refused":    func(r io.Reader) { _, _ = io.Copy(io.Discard, r) },
		"not read":   func(io.Reader) {},
		"not to end": func(r io.Reader) { _, _ = io.ReadFull(r, make([]byte, 100)) },
	} {
		_, err := checksum.New(careless{wraptest.Quiet(), read}, checksum.Config{}).WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(body))
		assert.ErrorContains(t, err, "reports success", name)
	}
}

// Nothing is read of a body once the write has returned, unverified.
func TestBodyEndsWithTheWrite(t *testing.T) {
	var kept io.Reader
	next := careless{wraptest.Quiet(), func(r io.Reader) { kept = r }}
	_, err := checksum.New(next, checksum.Config{}).WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(good()))
	require.Error(t, err)
	n, err := kept.Read(make([]byte, 100))
	assert.Zero(t, n)
	assert.Error(t, err)
}

type careless struct {
	ltxstore.ReplicaClient
	read func(io.Reader)
}

func (c careless) WriteLTXFile(_ context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	c.read(r)
	return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}, nil
}

func TestReadBack(t *testing.T) {
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		after func(store *mock.Store, key string)
		fault mock.Fault
		says  string
		is    error
	}{
		"another byte": {after: func(s *mock.Store, key string) { body := good(); body[5000] ^= 1; s.Put(key, mock.Object{Body: body}) },
			says: "the stored file differs from the body", is: ltxstore.ErrChecksum},
		"a byte too few":  {after: func(s *mock.Store, key string) { s.Put(key, mock.Object{Body: good()[:len(good())-1]}) }, says: "differs from the body", is: ltxstore.ErrChecksum},
		"a byte too many": {after: func(s *mock.Store, key string) { s.Put(key, mock.Object{Body: append(good(), 0)}) }, says: "differs from the body", is: ltxstore.ErrChecksum},
		"gone":            {fault: mock.Fault{Op: mock.OpOpen, Err: fs.ErrNotExist}, says: "the file is missing after it was written", is: ltxstore.ErrChecksum},
		"not readable":    {fault: mock.Fault{Op: mock.OpRead, Err: broken}, says: "the file was written but could not be read back", is: broken},
	} {
		next := wraptest.Quiet()
		if tt.fault.Op != "" {
			require.NoError(t, next.Inject(tt.fault))
		}
		client := checksum.New(changing{next, tt.after}, checksum.Config{ReadBack: true})
		_, err := client.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(good()))
		assert.ErrorIs(t, err, tt.is, name)
		assert.ErrorContains(t, err, tt.says, name)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
	}
	next := wraptest.Quiet()
	info, err := checksum.New(next, checksum.Config{ReadBack: true}).WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(good()))
	require.NoError(t, err)
	assert.EqualValues(t, len(good()), info.Size)
	assert.Len(t, next.Calls(mock.OpOpen), 1)
}

// changing changes what was just written.
type changing struct {
	*mock.ReplicaClient
	after func(store *mock.Store, key string)
}

func (c changing) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	info, err := c.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	if c.after != nil && err == nil {
		c.after(c.Store(), c.Store().Keys()[0])
	}
	return info, err
}

// A file that claims a frame of gigabytes is refused without their memory.
func TestBombTakesNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := checksum.New(wraptest.Quiet(), checksum.Config{}).WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(bomb()))
	runtime.ReadMemStats(&after)
	assert.ErrorContains(t, err, "frame has size 4294967295")
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
}

// A name that is taken is refused, and the same body is not.
func TestWriteOnce(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{WriteOnce: true})
	next.SetLogger(nil)
	client := checksum.New(next, checksum.Config{ReadBack: true})
	other := replicatest.NewLTXFile(2, 2, at.Add(time.Millisecond), 3)
	require.Len(t, other, len(good()))
	for _, tt := range []struct {
		body []byte
		want error
	}{{good(), nil}, {other, fs.ErrExist}, {good(), nil}} {
		_, err := client.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(tt.body))
		assert.ErrorIs(t, err, tt.want)
	}
}

// What fails on the way is told as what it is.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	next := wraptest.Quiet()
	client := checksum.New(next, checksum.Config{})
	_, err := client.WriteLTXFile(t.Context(), 0, 2, 2, io.MultiReader(bytes.NewReader(good()[:5000]), iotest.ErrReader(broken)))
	assert.ErrorIs(t, err, broken)
	assert.NotErrorIs(t, err, ltxstore.ErrChecksum)
	for _, r := range []io.Reader{nil, bytes.NewReader(nil), bytes.NewReader(replicatest.NewLTXFile(3, 3, at, 1))} {
		_, err = client.WriteLTXFile(t.Context(), 0, 2, 2, r)
		assert.ErrorIs(t, err, fs.ErrInvalid)
	}
	assert.Empty(t, next.Store().Keys())

	put(t, next, good())
	require.NoError(t, next.Inject(mock.Fault{Op: mock.OpRead, After: 5000, Err: broken}))
	rc, err := client.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.NoError(t, err)
	_, err = io.ReadAll(rc)
	assert.ErrorIs(t, err, broken)
	assert.NotErrorIs(t, err, ltxstore.ErrChecksum)
	assert.NoError(t, rc.Close())
	assert.NoError(t, rc.Close())

	rc, err = checksum.New(wraptest.Unclosable{ReplicaClient: next, Err: broken}, checksum.Config{}).OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.NoError(t, err)
	assert.ErrorIs(t, rc.Close(), broken)
	_, err = rc.Read(make([]byte, 1))
	assert.ErrorIs(t, err, fs.ErrClosed)

	_, err = checksum.New(nil, checksum.Config{}).WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(good()))
	assert.ErrorContains(t, err, "next is <nil>")
}
