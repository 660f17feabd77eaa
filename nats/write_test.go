package nats_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsio "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// serve returns a bucket of a server of its own, and a client.
func serve(t testing.TB, cfg nats.Config) (*service, *nats.ReplicaClient) {
	t.Helper()
	f, err := newService(start(t, nil), 1, jetstream.FileStorage, cfg)
	require.NoError(t, err)
	c := f.client(nil)
	t.Cleanup(func() { c.Close(); f.close(); f.direct.Close() })
	return f, c
}

func body(t testing.TB, txid ltx.TXID, pages int) []byte {
	t.Helper()
	return replicatest.NewLTXFile(txid, txid, time.UnixMilli(1767225600123), pages)
}

func write(t testing.TB, c ltxstore.ReplicaClient, txid ltx.TXID, content []byte) {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, txid, txid, bytes.NewReader(content))
	require.NoError(t, err)
}

func read(t testing.TB, c ltxstore.ReplicaClient, txid ltx.TXID, offset, size int64) []byte {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, txid, txid, offset, size)
	require.NoError(t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	return content
}

func (f *service) key(txid ltx.TXID) string { return testPath + "/" + f.keys().File(0, txid, txid) }

// chunksOf returns the chunk subjects of the bucket, and how many each has.
func (f *service) chunks(t testing.TB) map[string]uint64 {
	t.Helper()
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("$O."+f.bucket+".C.>"))
	require.NoError(t, err)
	return info.State.Subjects
}

// What is written here is what NATS's own client reads.
func TestOthersRead(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	for txid, pages := range map[ltx.TXID]int{1: 1, 2: 100} {
		content := body(t, txid, pages)
		write(t, c, txid, content)
		got, err := f.store.GetBytes(t.Context(), f.key(txid))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(content, got))
		info, err := f.store.GetInfo(t.Context(), f.key(txid))
		require.NoError(t, err)
		assert.Equal(t, "2026-01-01T00:00:00.123Z", info.Headers.Get("Litestream-Timestamp"))
		assert.EqualValues(t, len(content), info.Size)
		assert.EqualValues(t, 4<<10, info.Opts.ChunkSize)
	}
}

// pieces yields a body in reads of its own sizes, as a pipe does.
type pieces struct {
	r     io.Reader
	sizes []int
}

func (p *pieces) Read(b []byte) (int, error) {
	size := len(b)
	if len(p.sizes) > 0 {
		size, p.sizes = min(size, p.sizes[0]), p.sizes[1:]
	}
	return p.r.Read(b[:size])
}

// Ranges of what other clients write, whose chunks have any sizes, and of our
// own, each with and without other objects' chunks among its own.
func TestRanges(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	content := body(t, 1, 60)
	random := rand.New(rand.NewPCG(1, 2))
	stock := func(sizes ...int) func(txid ltx.TXID, beside func()) {
		return func(txid ltx.TXID, beside func()) {
			r := io.Reader(&pieces{bytes.NewReader(content), sizes})
			if beside != nil {
				r = &observed{r: r, see: beside}
			}
			_, err := f.store.Put(t.Context(), jetstream.ObjectMeta{Name: f.key(txid), Opts: &jetstream.ObjectMetaOptions{ChunkSize: 4 << 10}}, r)
			require.NoError(t, err)
		}
	}
	var short []int
	for range 200 {
		short = append(short, 1+random.IntN(3000))
	}
	kinds := map[string]func(txid ltx.TXID, beside func()){
		"own": func(txid ltx.TXID, beside func()) {
			r := io.Reader(bytes.NewReader(content))
			if beside != nil {
				r = &observed{r: r, see: beside}
			}
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, r)
			require.NoError(t, err)
		},
		"stock":                 stock(),
		"stock, header first":   stock(100),
		"stock, of short reads": stock(short...),
	}
	for name, put := range kinds {
		for _, among := range []bool{false, true} {
			var beside func()
			if among {
				beside = func() {
					require.NoError(t, f.leave(t.Context(), fmt.Sprint("other", random.Int()), f.key(99), time.Now()))
				}
			}
			put(1, beside)
			size := int64(len(content))
			offsets := []int64{0, 1, 99, 100, 101, 4095, 4096, 4097, size / 2, size - 4097, size - 1, size, size + 1}
			for range 3 {
				offsets = append(offsets, random.Int64N(size))
			}
			for _, offset := range offsets {
				for _, length := range []int64{0, 1, 5000} {
					start := min(offset, size)
					end := size
					if length > 0 {
						end = min(start+length, size)
					}
					got := read(t, c, 1, offset, length)
					require.True(t, bytes.Equal(content[start:end], got), "%s, among others %v: %d bytes from %d", name, among, length, offset)
				}
			}
		}
	}
}

// Where the first chunk is said to be, in a bucket that was copied, is where another
// message is, or none.
func TestRangeOfACopy(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	content := body(t, 1, 60)
	write(t, c, 2, body(t, 2, 60)) // before it
	write(t, c, 1, content)
	for _, first := range []string{"", "1", "30", "100", "1000000", "x", "-5", "18446744073709551615"} {
		require.NoError(t, f.store.UpdateMeta(t.Context(), f.key(1), jetstream.ObjectMeta{Name: f.key(1), Metadata: map[string]string{"ltxstore-first": first}}))
		for _, offset := range []int64{0, 5000, 20_000, int64(len(content)) - 1} {
			assert.True(t, bytes.Equal(content[offset:], read(t, c, 1, offset, 0)), "%s: from %d", first, offset)
		}
	}
}

// observed calls see before each read.
type observed struct {
	r   io.Reader
	see func()
}

func (o *observed) Read(p []byte) (int, error) { o.see(); return o.r.Read(p) }

// What each operation costs. A range is not read from the start, however many
// other messages are among the object's chunks.
func TestRequests(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	cost := func(want int64, what string, do func()) {
		t.Helper()
		before := f.count()
		do()
		assert.Equal(t, want, f.count()-before, what)
	}
	small, large := body(t, 1, 1)[:3000], body(t, 2, 200)
	chunks := int64(len(large)+4095) / 4096
	cost(4, "connecting, and a small write", func() { write(t, c, 9, body(t, 9, 1)[:3000]) })
	cost(2, "small write", func() { write(t, c, 1, small) })
	cost(1+chunks, "large write", func() { write(t, c, 2, large) })
	cost(2, "small read", func() { read(t, c, 1, 0, 0) })
	cost(2, "late range", func() { read(t, c, 2, int64(len(large))-5000, 10) })
	cost(2+(chunks-1+7)/8, "large read", func() { read(t, c, 2, 0, 0) })
	cost(5, "rewrite", func() { write(t, c, 1, small) })
	list := func(useMetadata bool) func() {
		return func() {
			it, err := c.LTXFiles(t.Context(), 0, 0, useMetadata)
			require.NoError(t, err)
			for it.Next() {
			}
			require.NoError(t, it.Close())
		}
	}
	cost(3, "list", list(false))
	cost(3, "list with times", list(true))
	cost(3, "delete", func() {
		require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	})

	// Another client's, which has one short chunk in front.
	stock := jetstream.ObjectMeta{Name: f.key(4), Opts: &jetstream.ObjectMetaOptions{ChunkSize: 4 << 10}}
	_, err := f.store.Put(t.Context(), stock, &pieces{bytes.NewReader(large), []int{100}})
	require.NoError(t, err)
	cost(3, "another client's: range of the second chunk", func() { read(t, c, 4, 100+4095, 1) })
	cost(4, "another client's: range of the third chunk", func() { read(t, c, 4, 100+4096, 1) })
	cost(4, "another client's: late range", func() { read(t, c, 4, int64(len(large))-5000, 1) })
	_, err = f.store.PutBytes(t.Context(), f.key(5), small)
	require.NoError(t, err)
	cost(2, "another client's: small read", func() { read(t, c, 5, 0, 0) })

	// One chunk of another object behind each of these.
	_, err = c.WriteLTXFile(t.Context(), 0, 3, 3, &observed{r: bytes.NewReader(body(t, 3, 200)), see: func() {
		require.NoError(t, f.leave(t.Context(), "others", "k", time.Now()))
	}})
	require.NoError(t, err)
	before := f.count()
	read(t, c, 3, int64(len(large))/4, 10)
	assert.Less(t, f.count()-before, int64(15), "a quarter of %d chunks precede the range", chunks)
}

// A write goes on where it was when the connection breaks, and leaves nothing.
func TestBrokenWrite(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	content := body(t, 1, 400)
	n := 0
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, &observed{r: &pieces{r: bytes.NewReader(content)}, see: func() {
		if n++; n%40 == 0 {
			f.drop()
		}
	}})
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, read(t, c, 1, 0, 0)))
	got, err := f.store.GetBytes(t.Context(), f.key(1))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, got))
	assert.Len(t, f.chunks(t), 1)
}

// Chunks that may be lost are sent again.
func TestBrokenWriteOfAFile(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	content, chunks, drops := body(t, 1, 400), 0, 0
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$O."+f.bucket+".C.") {
				if chunks++; chunks%100 == 99 && drops < 5 {
					drops++
					f.drop()
				}
			}
			return "", "", false
		}
	})
	write(t, c, 1, content)
	f.set(func() { f.answer = nil })
	assert.Positive(t, drops)
	assert.Greater(t, chunks, (len(content)+4095)/4096, "some were sent again")
	assert.True(t, bytes.Equal(content, read(t, c, 1, 0, 0)))
	got, err := f.store.GetBytes(t.Context(), f.key(1))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, got))
	assert.Len(t, f.chunks(t), 1)
}

// A write that makes progress does not fail, however long a chunk is under way.
func TestSlowWrite(t *testing.T) {
	f, _ := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	c := f.client(func(cfg *nats.Config) { cfg.IdleTimeout, cfg.Retry.MaxAttempts = time.Second, 1 })
	defer c.Close()
	content := body(t, 1, 200)
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$O."+f.bucket+".C.") {
				time.Sleep(15 * time.Millisecond)
			}
			return "", "", false
		}
	})
	start := time.Now()
	write(t, c, 1, content)
	assert.Greater(t, time.Since(start), 2*time.Second)
	f.set(func() { f.answer = nil })
	assert.True(t, bytes.Equal(content, read(t, c, 1, 0, 0)))
}

// Chunks whose answers are lost are sent again, also over a connection that stays.
func TestLostAnswersOfChunks(t *testing.T) {
	f, _ := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	c := f.client(func(cfg *nats.Config) { cfg.IdleTimeout = 500 * time.Millisecond })
	defer c.Close()
	write(t, c, 2, body(t, 2, 1)) // it is connected
	content, chunks := body(t, 1, 50), 0
	f.set(func() {
		f.answer = func(subject string, _ []byte) (string, string, bool) {
			if strings.HasPrefix(subject, "$O."+f.bucket+".C.") {
				if chunks++; chunks == 5 {
					f.set(func() { f.silent = true })
					time.AfterFunc(200*time.Millisecond, func() { f.set(func() { f.silent = false }) })
				}
			}
			return "", "", false
		}
	})
	write(t, c, 1, content)
	f.set(func() { f.answer = nil })
	assert.Greater(t, chunks, (len(content)+4095)/4096)
	assert.True(t, bytes.Equal(content, read(t, c, 1, 0, 0)))
}

// The answer to the description is lost: the object is there, once, and whole.
func TestLostAnswer(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	for i, once := range []bool{false, true} {
		txid := ltx.TXID(i + 1)
		content := body(t, txid, 50)
		lost := false
		f.set(func() {
			f.answer = func(subject string, _ []byte) (string, string, bool) {
				if !lost && strings.HasPrefix(subject, "$O."+f.bucket+".M.") {
					lost = true
					go f.drop()
				}
				return "", "", false
			}
		})
		if once {
			c = f.client(func(cfg *nats.Config) { cfg.WriteOnce = true })
			defer c.Close()
		}
		write(t, c, txid, content)
		f.set(func() { f.answer = nil })
		assert.True(t, lost)
		assert.True(t, bytes.Equal(content, read(t, c, txid, 0, 0)))
	}
}

// The answer to the description is lost, and before it is sent again, another client
// replaces or deletes the object and its chunks: no description is left without any.
func TestLostAnswerOfAChangedObject(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	for name, change := range map[string]func(key string) error{
		"replaced": func(key string) error {
			_, err := f.store.PutBytes(t.Context(), key, []byte("LTX1, another's"))
			return err
		},
		"deleted": func(key string) error {
			stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
			if err != nil {
				return err
			}
			return errors.Join(f.store.Delete(t.Context(), key), stream.Purge(t.Context(), jetstream.WithPurgeSubject(f.subject(1))))
		},
		"marked": func(key string) error { return f.store.Delete(t.Context(), key) },
	} {
		for _, pages := range []int{1, 50} {
			published := 0
			f.set(func() {
				f.answer = func(subject string, _ []byte) (string, string, bool) {
					if strings.HasPrefix(subject, "$O."+f.bucket+".M.") {
						switch published++; published {
						case 1:
							f.set(func() { f.silent = true })
							time.AfterFunc(20*time.Millisecond, func() { f.drop(); f.set(func() { f.silent = false }) })
						case 2:
							assert.NoError(t, change(f.key(1)))
						}
					}
					return "", "", false
				}
			})
			content := body(t, 1, pages)
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(content))
			f.set(func() { f.answer = nil })
			assert.GreaterOrEqual(t, published, 2)
			if err != nil {
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			}
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			if err == nil {
				_, err = io.ReadAll(r)
				r.Close()
				require.NoError(t, err, "%s, %d pages", name, pages)
			} else {
				require.ErrorIs(t, err, fs.ErrNotExist, "%s, %d pages", name, pages)
			}
			require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
		}
	}
}

// restartable returns a service on a server that keeps its files in dir, and a client that
// waits for the server's return.
func restartable(t *testing.T, cfg nats.Config) (s *server.Server, dir string, f *service, c *nats.ReplicaClient) {
	t.Helper()
	dir = t.TempDir()
	s = start(t, func(o *server.Options) { o.StoreDir = dir })
	f, err := newService(s, 1, jetstream.FileStorage, cfg)
	require.NoError(t, err)
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 200, BaseDelay: 5 * time.Millisecond, MaxDelay: 50 * time.Millisecond}
	t.Cleanup(f.close)
	f.direct.Close()
	c = f.client(nil)
	t.Cleanup(func() { c.Close() })
	return s, dir, f, c
}

// restart puts another server in place of one.
func (f *service) restart(t *testing.T, s *server.Server, change func(*server.Options)) {
	s.Shutdown()
	s.WaitForShutdown()
	f.drop()
	next := start(t, change)
	f.set(func() { f.server = next.Addr().String() })
}

// A server that stops and starts again is a pause for what is written and read.
func TestRestart(t *testing.T) {
	s, dir, f, c := restartable(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	content := body(t, 1, 400)
	n := 0
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, &observed{r: bytes.NewReader(content), see: func() {
		if n++; n == 100 {
			f.restart(t, s, func(o *server.Options) { o.StoreDir = dir })
		}
	}})
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, read(t, c, 1, 0, 0)))
}

// A server that starts again with a smaller max_payload takes no chunks of the size
// that was right before: the file is not there without them.
func TestRestartWithSmallerMessages(t *testing.T) {
	s, dir, f, c := restartable(t, nats.Config{})
	write(t, c, 1, body(t, 1, 1))
	f.restart(t, s, func(o *server.Options) { o.StoreDir, o.MaxPayload = dir, 8<<10 })
	_, err := c.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(body(t, 2, 1000)))
	require.ErrorIs(t, err, fs.ErrInvalid)
	small := f.client(func(cfg *nats.Config) { cfg.Transfer.PartSize = 4 << 10 })
	defer small.Close()
	_, err = small.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A server that is gone fails a request when its time is over, and at once when
// the context ends.
func TestGone(t *testing.T) {
	f, _ := serve(t, nats.Config{})
	hang := f.client(func(cfg *nats.Config) { cfg.IdleTimeout, cfg.Retry.MaxAttempts = 50*time.Millisecond, 2 })
	defer hang.Close()
	write(t, hang, 1, body(t, 1, 1))
	f.set(func() { f.silent = true })
	_, err := hang.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)

	c := f.client(nil)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.WriteLTXFile(ctx, 0, 2, 2, bytes.NewReader(body(t, 2, 1)))
	require.ErrorIs(t, err, context.DeadlineExceeded)

	f.set(func() { f.silent, f.down = false, true })
	_, err = hang.LTXFiles(t.Context(), 0, 0, false)
	if err == nil {
		it, _ := hang.LTXFiles(t.Context(), 0, 0, false)
		assert.False(t, it.Next())
		err = it.Close()
	}
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// No server is there: that is an outage, as the client library tells it.
func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	c := nats.NewReplicaClient(nats.Config{URL: "nats://" + l.Addr().String(), Bucket: "bucket", Retry: ltxstore.Retry{MaxAttempts: 1},
		Logger: slog.New(slog.DiscardHandler)})
	defer c.Close()
	_, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.ErrorIs(t, err, natsio.ErrNoServers)
}

// A client of one server goes on with those that the server has named.
func TestOtherServers(t *testing.T) {
	f, c := serve(t, nats.Config{})
	f.set(func() { f.others = f.direct.ConnectedAddr() })
	write(t, c, 1, body(t, 1, 1))
	f.set(func() { f.down = true })
	write(t, c, 2, body(t, 2, 1))
	assert.Equal(t, body(t, 2, 1), read(t, c, 2, 0, 0))
}

// Of many writers of one name, with write-once, one wins.
func TestWriteOnce(t *testing.T) {
	f, _ := serve(t, nats.Config{})
	for round := range 10 {
		txid := ltx.TXID(round + 1)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for writer := range 6 {
			wg.Go(func() {
				c := f.client(func(cfg *nats.Config) { cfg.WriteOnce = true })
				defer c.Close()
				_, err := c.WriteLTXFile(t.Context(), 0, txid, txid, bytes.NewReader(body(t, txid, 1+writer)))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !errors.Is(err, fs.ErrExist):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 1, won)
	}
	assert.Len(t, f.chunks(t), 10)
}

// A deletion leaves no message, nor does one of what another client has marked
// as deleted.
func TestDeleteLeavesNothing(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 1))
	write(t, c, 2, body(t, 2, 1))
	require.NoError(t, f.store.Delete(t.Context(), f.key(2)))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}}))
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	assert.Zero(t, stream.CachedInfo().State.Msgs)
	write(t, c, 1, body(t, 1, 1)) // the name is free again
}

// DeleteAll removes what killed writers of this replica have left, and nothing
// that may be another's.
func TestOrphans(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 1))
	old, young := time.Now().Add(-2*time.Hour), time.Now()
	require.NoError(t, f.leave(t.Context(), "old", f.key(2), old))
	require.NoError(t, f.leave(t.Context(), "young", f.key(2), young))
	require.NoError(t, f.leave(t.Context(), "other", "backups/other/"+f.keys().File(0, 2, 2), old))
	_, err := f.js.Publish(t.Context(), "$O."+f.bucket+".C.stranger", []byte("chunk"))
	require.NoError(t, err)
	require.NoError(t, c.DeleteAll(t.Context()))
	left := f.chunks(t)
	assert.Len(t, left, 3)
	assert.NotContains(t, left, "$O."+f.bucket+".C.old")
}

// Damage is told as such.
func TestDamage(t *testing.T) {
	f, c := serve(t, nats.Config{Transfer: object.Options{PartSize: 4 << 10}})
	write(t, c, 1, body(t, 1, 50))
	write(t, c, 2, body(t, 2, 50))
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	fails := func(txid ltx.TXID, offset int64) {
		t.Helper()
		r, err := c.OpenLTXFile(t.Context(), 0, txid, txid, offset, 0)
		if err == nil {
			_, err = io.ReadAll(r)
			r.Close()
		}
		require.ErrorIs(t, err, ltxstore.ErrChecksum)
	}
	// A chunk is gone.
	require.NoError(t, stream.DeleteMsg(t.Context(), 5))
	fails(1, 0)
	// All are.
	info, err := f.store.GetInfo(t.Context(), f.key(1))
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("$O."+f.bucket+".C."+info.NUID)))
	fails(1, 9000)
	// The content is another: its digest tells.
	info, err = f.store.GetInfo(t.Context(), f.key(2))
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("$O."+f.bucket+".C."+info.NUID)))
	content := body(t, 2, 50)
	content[len(content)-200] ^= 1
	for at := 0; at < len(content); at += 4096 {
		m := natsio.NewMsg("$O." + f.bucket + ".C." + info.NUID)
		m.Data = content[at:min(at+4096, len(content))]
		_, err := f.js.PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
	fails(2, 0)
	// The description is another's, has a size that is none, or mentions no chunks.
	for txid, description := range map[ltx.TXID]string{
		3: `{"name":"another","nuid":"n","size":1}`,
		4: `{"name":"` + f.key(4) + `","nuid":"n","size":9223372036854775808}`,
		5: `{"name":"` + f.key(5) + `","size":1}`,
		6: `no JSON`,
	} {
		f.describe(t, txid, description)
		fails(txid, 0)
	}
}

// describe publishes a description as another client would.
func (f *service) describe(t testing.TB, txid ltx.TXID, description string) {
	t.Helper()
	_, err := f.js.Publish(t.Context(), f.subject(txid), []byte(description))
	require.NoError(t, err)
}

// A watcher is told of files as they are written, of its level and replica only.
func TestWatch(t *testing.T) {
	f, c := serve(t, nats.Config{})
	write(t, c, 1, body(t, 1, 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	files, err := c.Watch(ctx, 0)
	require.NoError(t, err)
	other := f.client(func(cfg *nats.Config) { cfg.Path = "backups/other" })
	defer other.Close()
	write(t, other, 2, body(t, 2, 1))
	_, err = c.WriteLTXFile(t.Context(), 1, 1, 2, bytes.NewReader(replicatest.NewLTXFile(1, 2, time.UnixMilli(5), 1)))
	require.NoError(t, err)
	write(t, c, 3, body(t, 3, 1))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	// Nor of a mark that stays, or of a description that mentions no chunks.
	f.describe(t, 5, `{"name":"`+f.key(5)+`","nuid":"n","deleted":true}`)
	f.describe(t, 6, `{"name":"`+f.key(6)+`","size":1}`)
	write(t, c, 4, body(t, 4, 2))
	var seen []ltx.TXID
	for info, err := range files {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		assert.Equal(t, time.UnixMilli(1767225600123).UTC(), info.CreatedAt)
		assert.EqualValues(t, len(body(t, info.MinTXID, int(info.MinTXID-2))), info.Size)
		if seen = append(seen, info.MinTXID); len(seen) == 2 {
			cancel()
		}
	}
	assert.Equal(t, []ltx.TXID{3, 4}, seen)

	_, err = c.Watch(t.Context(), -1)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = f.client(func(cfg *nats.Config) { cfg.Bucket = "no-such-bucket" }).Watch(t.Context(), 0)
	require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
}

// A watcher misses nothing that is written while its connection is lost, as often as that
// happens, and hears in the end that the server is gone.
func TestWatchOverBrokenConnections(t *testing.T) {
	f, _ := serve(t, nats.Config{MaxReconnects: 50})
	c := f.client(nil)
	defer c.Close()
	files, err := c.Watch(t.Context(), 0)
	require.NoError(t, err)
	writer := f.client(func(cfg *nats.Config) { cfg.URL = f.direct.ConnectedUrl() })
	defer writer.Close()
	f.set(func() { f.down = true })
	write(t, writer, 1, body(t, 1, 1))
	f.set(func() { f.down = false })
	next := ltx.TXID(1)
	for info, err := range files {
		if next == 5 {
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			return
		}
		require.NoError(t, err)
		require.Equal(t, next, info.MinTXID)
		if next++; next == 5 {
			f.set(func() { f.down = true })
			continue
		}
		f.drop()
		write(t, writer, next, body(t, next, 1))
	}
	require.Fail(t, "the watch ended without an error")
}
