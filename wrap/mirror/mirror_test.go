package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// world is a mirror of mocks, and the failures that it has told of.
type world struct {
	*mirror.Client
	replicas []*mock.ReplicaClient
	failures []mirror.Failure
}

func newWorld(n int, cfg mirror.Config) *world {
	w := &world{}
	for range n {
		c := mock.NewReplicaClient(mock.Config{PageSize: 16})
		w.replicas = append(w.replicas, c)
	}
	for _, c := range w.replicas[1:] {
		cfg.Others = append(cfg.Others, c)
	}
	cfg.OnFailure = func(f mirror.Failure) { w.failures = append(w.failures, f) }
	w.Client = mirror.New(w.replicas[0], cfg)
	w.SetLogger(nil)
	return w
}

// fail makes a replica fail for good.
func (w *world) fail(n int, err error) {
	for _, op := range []mock.Op{mock.OpInit, mock.OpList, mock.OpOpen, mock.OpWrite, mock.OpDelete, mock.OpDeleteAll} {
		if e := w.replicas[n].Inject(mock.Fault{Op: op, Times: -1, Err: err}); e != nil {
			panic(e)
		}
	}
}

func write(t testing.TB, c ltxstore.ReplicaClient, txid ltx.TXID, body string) {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, txid, txid, strings.NewReader(body))
	require.NoError(t, err)
}

func read(c ltxstore.ReplicaClient, txid ltx.TXID, offset, size int64) (string, error) {
	rc, err := c.OpenLTXFile(context.Background(), 0, txid, txid, offset, size)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(rc)
	return string(b), errors.Join(err, rc.Close())
}

func list(c ltxstore.ReplicaClient, level int, seek ltx.TXID) (found []ltx.TXID, err error) {
	files, err := c.LTXFiles(context.Background(), level, seek, false)
	if err != nil {
		return nil, err
	}
	for files.Next() {
		found = append(found, files.Item().MinTXID)
	}
	return found, files.Close()
}

// stream is a reader of which nothing is known.
func stream(body string) io.Reader { return iotest.OneByteReader(strings.NewReader(body)) }

func TestPolicies(t *testing.T) {
	for _, tt := range []struct {
		policy  mirror.Policy
		broken  int // of three
		succeed bool
	}{
		{"", 0, true}, {mirror.PolicyAll, 1, false},
		{mirror.PolicyQuorum, 1, true}, {mirror.PolicyQuorum, 2, false},
		{mirror.PolicyBestEffort, 2, true}, {mirror.PolicyBestEffort, 3, false},
	} {
		for _, body := range []io.Reader{strings.NewReader("body"), stream("body")} {
			w := newWorld(3, mirror.Config{Policy: tt.policy})
			for n := range tt.broken {
				w.fail(n, ltxstore.ErrUnavailable)
			}
			info, err := w.WriteLTXFile(t.Context(), 0, 1, 1, body)
			if !tt.succeed {
				assert.Nil(t, info)
				require.ErrorIs(t, err, ltxstore.ErrUnavailable, tt)
				var failed *mirror.Error
				require.ErrorAs(t, err, &failed)
				assert.NotEmpty(t, failed.Failed)
				assert.LessOrEqual(t, len(failed.Failed), tt.broken, "what was stopped has not failed")
				assert.Zero(t, failed.Failed[0].Replica)
				assert.NotContains(t, err.Error(), "\n")
				assert.Empty(t, w.failures)
				continue
			}
			require.NoError(t, err, tt)
			assert.EqualValues(t, 4, info.Size)
			assert.Len(t, w.failures, tt.broken)
			for _, f := range w.failures {
				assert.Equal(t, "write", f.Op)
				assert.EqualValues(t, 1, f.MinTXID)
				assert.ErrorIs(t, f.Err, ltxstore.ErrUnavailable)
			}
			for n := tt.broken; n < 3; n++ {
				got, err := read(w.replicas[n], 1, 0, 0)
				require.NoError(t, err)
				assert.Equal(t, "body", got)
			}
			n, err := body.Read(make([]byte, 1))
			assert.Zero(t, n, "it was read to its end")
			assert.Equal(t, io.EOF, err)
		}
	}
}

// Writers of one name leave the same bytes in all replicas, and a writer that waits ends
// with its context.
func TestWritersOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, mirror.Config{})
		var last [2]string // that each replica has stored
		for n, late := range []string{"one", "two"} {
			w.replicas[n].WriteLTXFileFunc = func(ctx context.Context, _ int, _, _ ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
				body, err := io.ReadAll(r)
				if string(body) == late {
					time.Sleep(time.Second)
				}
				last[n] = string(body)
				return &ltx.FileInfo{Size: 3}, err
			}
		}
		var both sync.WaitGroup
		both.Go(func() { write(t, w, 1, "one") })
		both.Go(func() { write(t, w, 1, "two") })
		both.Wait()
		assert.Equal(t, last[0], last[1])

		both.Go(func() { write(t, w, 1, "one") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := w.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("two"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		both.Wait()
		assert.Equal(t, [2]string{"one", "one"}, last)
	})
}

// A write that cannot succeed any more does not wait for the other replicas; a deletion
// is done where it can be.
func TestWhoIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, mirror.Config{})
		write(t, w, 2, "x")
		begun := time.Now()
		require.NoError(t, w.replicas[0].Inject(mock.Fault{Op: mock.OpWrite, Err: ltxstore.ErrThrottled}, mock.Fault{Op: mock.OpDelete, Err: ltxstore.ErrThrottled}))
		require.NoError(t, w.replicas[1].Inject(mock.Fault{Op: mock.OpWrite, Delay: time.Hour}, mock.Fault{Op: mock.OpDelete, Delay: time.Hour}))
		_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
		require.ErrorIs(t, err, ltxstore.ErrThrottled)
		assert.EqualError(t, err, "mock: write level 0 0000000000000001-0000000000000001.ltx: 1 of 2 replicas failed: "+
			"replica 0: mock: write ltx/0000/0000000000000001-0000000000000001.ltx: throttled by the store")
		assert.Zero(t, time.Since(begun))
		require.ErrorIs(t, w.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 2, MaxTXID: 2}}), ltxstore.ErrThrottled)
		assert.Equal(t, time.Hour, time.Since(begun))
		got, err := list(w.replicas[1], 0, 0)
		require.NoError(t, err)
		assert.Empty(t, got)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, w.replicas[1].Inject(mock.Fault{Op: mock.OpWrite, Delay: time.Hour}))
		_, err = w.WriteLTXFile(ctx, 0, 1, 1, stream("x"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		w.replicas[0].ResetCalls()
		_, err = read(w, 2, 0, 0)
		require.NoError(t, err)
	})
}

// A replica that breaks in the middle of a body leaves the others their whole body.
func TestOneBreaksMidway(t *testing.T) {
	body := strings.Repeat("0123456789", 100_000)
	w := newWorld(3, mirror.Config{Policy: mirror.PolicyQuorum})
	require.NoError(t, w.replicas[1].Inject(mock.Fault{Op: mock.OpWrite, After: 300_000, Err: ltxstore.ErrThrottled}))
	info, err := w.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(strings.NewReader(body)))
	require.NoError(t, err)
	assert.EqualValues(t, len(body), info.Size)
	for _, n := range []int{0, 2} {
		got, err := read(w.replicas[n], 1, 0, 0)
		require.NoError(t, err)
		assert.True(t, got == body)
	}
	_, err = read(w.replicas[1], 1, 0, 0)
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// A body that fails leaves nothing anywhere, and no replica is to blame.
func TestBodyFails(t *testing.T) {
	broken := errors.New("the disk is gone")
	w := newWorld(2, mirror.Config{Policy: mirror.PolicyBestEffort})
	_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken)))
	assert.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "mock: write level 0 0000000000000001-0000000000000001.ltx: the disk is gone")
	found, err := list(w, 0, 0)
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Empty(t, w.failures)
	w.replicas[1].WriteLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) {
		return &ltx.FileInfo{Size: 4}, nil // before it has seen that the body fails
	}
	_, err = w.WriteLTXFile(t.Context(), 0, 1, 1, iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	w.replicas[1].WriteLTXFileFunc = nil
	for _, c := range w.replicas {
		write(t, c, 1, "x")
	}
	_, err = read(w, 1, 0, 0)
	require.NoError(t, err)
	assert.Len(t, w.replicas[0].Calls(mock.OpOpen), 1, "it is healthy")
	_, err = w.WriteLTXFile(t.Context(), 0, 1, 1, badCount{})
	assert.ErrorContains(t, err, "impossible count")
}

type badCount struct{}

func (badCount) Read(p []byte) (int, error) { return len(p) + 1, nil }

// A file that is cut off, or goes on, while it is read leaves nothing anywhere, and no replica is to blame.
func TestFileChanges(t *testing.T) {
	for change, says := range map[int64]string{5: "body ends after 5 bytes", 15: "body is longer than 10 bytes"} {
		w := newWorld(2, mirror.Config{Policy: mirror.PolicyBestEffort})
		file, err := os.Create(filepath.Join(t.TempDir(), "body"))
		require.NoError(t, err)
		defer file.Close()
		_, err = file.WriteString("0123456789")
		require.NoError(t, err)
		_, err = file.Seek(0, io.SeekStart)
		require.NoError(t, err)
		for _, c := range w.replicas {
			next := mock.NewReplicaClient(mock.Config{Store: c.Store()})
			next.SetLogger(nil)
			c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
				assert.NoError(t, file.Truncate(change)) // after its size was determined
				return next.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
			}
		}
		_, err = w.WriteLTXFile(t.Context(), 0, 1, 1, file)
		assert.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, says)
		found, err := list(w, 0, 0)
		require.NoError(t, err)
		assert.Empty(t, found)
		assert.Empty(t, w.failures)
	}
}

// A file is read by each replica on its own, from where it stands, and left at its end.
func TestFileBody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, []byte("skipped and kept"), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	_, err = file.Seek(8, io.SeekStart)
	require.NoError(t, err)
	w := newWorld(2, mirror.Config{})
	_, err = w.WriteLTXFile(t.Context(), 0, 1, 1, file)
	require.NoError(t, err)
	for _, c := range w.replicas {
		got, err := read(c, 1, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, "and kept", got)
	}
	at, err := file.Seek(0, io.SeekCurrent)
	require.NoError(t, err)
	assert.EqualValues(t, 16, at)

	// A pipe says that it seeks, and does not.
	out, in, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	_, err = in.WriteString("through a pipe")
	require.NoError(t, errors.Join(err, in.Close()))
	info, err := w.WriteLTXFile(t.Context(), 0, 2, 2, out)
	require.NoError(t, err)
	assert.EqualValues(t, 14, info.Size)
}

// The slowest replica decides, and memory does not grow with the body.
func TestSlowReplica(t *testing.T) {
	const size = 64 << 20
	w := newWorld(2, mirror.Config{})
	reading := make(chan struct{})
	fast := make(chan int64, 1)
	w.replicas[0].WriteLTXFileFunc = func(_ context.Context, _ int, _, _ ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		n, err := io.Copy(io.Discard, io.LimitReader(r, 4<<20))
		fast <- n
		n2, err2 := io.Copy(io.Discard, r)
		return &ltx.FileInfo{Size: n + n2}, errors.Join(err, err2)
	}
	w.replicas[1].WriteLTXFileFunc = func(_ context.Context, _ int, _, _ ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		<-reading
		n, err := io.Copy(io.Discard, r)
		return &ltx.FileInfo{Size: n}, err
	}
	var taken int64
	source := readFunc(func(p []byte) (int, error) { taken += int64(len(p)); return len(p), nil })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan error)
	go func() {
		_, err := w.WriteLTXFile(context.Background(), 0, 1, 1, io.LimitReader(source, size))
		done <- err
	}()
	select {
	case <-fast:
		assert.Fail(t, "4 MiB were read ahead of the slow replica")
	case <-time.After(50 * time.Millisecond):
	}
	close(reading)
	require.NoError(t, <-done)
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
	assert.EqualValues(t, size, taken)
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestReplicasDisagree(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	w.replicas[1].WriteLTXFileFunc = func(_ context.Context, _ int, _, _ ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		n, err := io.Copy(io.Discard, r)
		return &ltx.FileInfo{Size: n - 1}, err
	}
	_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, stream("body"))
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
	w.replicas[1].WriteLTXFileFunc = func(context.Context, int, ltx.TXID, ltx.TXID, io.Reader) (*ltx.FileInfo, error) { return nil, nil }
	_, err = w.WriteLTXFile(t.Context(), 0, 1, 1, stream("body"))
	assert.ErrorContains(t, err, "neither a file nor an error")
}

// A missing file is reported only if all say so.
func TestMissingOrOutage(t *testing.T) {
	w := newWorld(3, mirror.Config{})
	_, err := read(w, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	write(t, w.replicas[2], 1, "only there")
	got, err := read(w, 1, 5, 5)
	require.NoError(t, err)
	assert.Equal(t, "there", got)
	assert.Empty(t, w.failures)

	for _, kind := range []error{ltxstore.ErrUnavailable, ltxstore.ErrStoreNotFound, fs.ErrPermission} {
		w := newWorld(3, mirror.Config{})
		w.fail(1, kind)
		for range 2 { // also when it is known to fail
			_, err := read(w, 1, 0, 0)
			require.ErrorIs(t, err, kind)
			assert.NotErrorIs(t, err, fs.ErrNotExist)
		}
	}
}

// A replica that has failed is asked last for a while.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, mirror.Config{Policy: mirror.PolicyBestEffort, Backoff: time.Second})
		write(t, w, 1, "body")
		first := w.replicas[0]
		require.NoError(t, first.Inject(mock.Fault{Op: mock.OpOpen, Times: 4, Err: ltxstore.ErrUnavailable}))
		opens := func() int { return len(first.Calls(mock.OpOpen)) }
		for i := range 4 {
			got, err := read(w, 1, 0, 0)
			require.NoError(t, err)
			assert.Equal(t, "body", got)
			assert.Equal(t, i+1, opens())
			assert.Len(t, w.failures, i+1)
			time.Sleep(time.Second - 1)
			_, err = read(w, 1, 0, 0)
			require.NoError(t, err)
			assert.Equal(t, i+1, opens(), "not yet")
			time.Sleep(time.Nanosecond)
		}
		for range 2 {
			_, err := read(w, 1, 0, 0)
			require.NoError(t, err)
		}
		assert.Equal(t, 6, opens(), "it is well again")

		// What is asked last is asked.
		write(t, first, 2, "here only")
		require.NoError(t, first.Inject(mock.Fault{Op: mock.OpOpen, Err: ltxstore.ErrUnavailable}))
		_, err := read(w, 1, 0, 0)
		require.NoError(t, err)
		got, err := read(w, 2, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, "here only", got)
	})
}

// A transfer that breaks is taken up by the next replica, if it has the same file.
func TestResume(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 5000)
	for _, tt := range []struct{ offset, size, breaks int64 }{
		{0, 0, 0}, {0, 0, 1}, {0, 0, 500}, {0, 0, 70_000}, {0, 0, 80_000}, {100, 50_000, 40_000}, {100, 50_000, 0}, {79_000, 5000, 999}, {10, 10, 10},
	} {
		w := newWorld(3, mirror.Config{})
		write(t, w, 1, body)
		for _, n := range []int{0, 1} {
			require.NoError(t, w.replicas[n].Inject(mock.Fault{Op: mock.OpRead, After: tt.breaks, Err: io.ErrUnexpectedEOF}))
		}
		got, err := read(w, 1, tt.offset, tt.size)
		require.NoError(t, err, tt)
		end := int64(len(body))
		if tt.size > 0 {
			end = min(end, tt.offset+tt.size)
		}
		assert.True(t, got == body[tt.offset:end], tt)
	}

	w := newWorld(3, mirror.Config{})
	write(t, w, 1, body)
	write(t, w.replicas[1], 1, strings.ToUpper(body))
	write(t, w.replicas[2], 1, body[:100])
	require.NoError(t, w.replicas[0].Inject(mock.Fault{Op: mock.OpRead, After: 30_000, Err: io.ErrUnexpectedEOF}))
	got, err := read(w, 1, 0, 0)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, body[:30_000], got)
	var failed *mirror.Error
	require.ErrorAs(t, err, &failed)
	assert.Len(t, failed.Failed, 3)
	assert.ErrorContains(t, failed.Failed[1].Err, "was replaced")
}

func TestListing(t *testing.T) {
	w := newWorld(3, mirror.Config{})
	var want []ltx.TXID
	for txid := ltx.TXID(1); txid <= 90; txid++ {
		write(t, w.replicas[txid%3], txid, "x")
		if txid%7 == 0 {
			write(t, w.replicas[(txid+1)%3], txid, "twice")
		}
		want = append(want, txid)
	}
	got, err := list(w, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	got, err = list(w, 0, 50)
	require.NoError(t, err)
	assert.Equal(t, want[49:], got)
	for _, c := range w.replicas {
		c.ResetCalls()
	}
	files, err := w.LTXFiles(t.Context(), 0, 5, false)
	require.NoError(t, err)
	require.True(t, files.Next())
	assert.EqualValues(t, 5, files.Item().MinTXID)
	require.NoError(t, files.Close())
	assert.LessOrEqual(t, w.replicas[0].Calls(mock.OpList)[0].Items, 16, "lazy")
}

// A listing is whole, or an error.
func TestListingNeedsEnough(t *testing.T) {
	for _, tt := range []struct {
		policy mirror.Policy
		broken int // of three
		whole  bool
	}{
		{mirror.PolicyAll, 2, true}, {mirror.PolicyAll, 3, false},
		{mirror.PolicyQuorum, 1, true}, {mirror.PolicyQuorum, 2, false},
		{mirror.PolicyBestEffort, 0, true}, {mirror.PolicyBestEffort, 1, false},
	} {
		for _, after := range []int64{0, 20} {
			w := newWorld(3, mirror.Config{Policy: tt.policy})
			for txid := ltx.TXID(1); txid <= 50; txid++ {
				write(t, w, txid, "x")
			}
			for n := range tt.broken {
				require.NoError(t, w.replicas[n].Inject(mock.Fault{Op: mock.OpNext, Times: -1, After: after, Err: ltxstore.ErrUnavailable}))
			}
			for range 2 { // also when they are known to fail
				got, err := list(w, 0, 0)
				if tt.whole {
					require.NoError(t, err, tt)
					assert.Len(t, got, 50)
				} else {
					require.ErrorIs(t, err, ltxstore.ErrUnavailable, tt)
				}
			}
		}
	}
}

func TestDeletesAreInAll(t *testing.T) {
	w := newWorld(2, mirror.Config{Policy: mirror.PolicyBestEffort})
	write(t, w, 1, "x")
	write(t, w, 2, "x")
	require.NoError(t, w.replicas[0].Inject(mock.Fault{Op: mock.OpDelete, Err: ltxstore.ErrThrottled}, mock.Fault{Op: mock.OpDeleteAll, Err: ltxstore.ErrThrottled}))
	err := w.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})
	require.ErrorIs(t, err, ltxstore.ErrThrottled)
	got, err := list(w.replicas[1], 0, 0)
	require.NoError(t, err)
	assert.Equal(t, []ltx.TXID{2}, got, "the other did it")
	require.ErrorIs(t, w.DeleteAll(t.Context()), ltxstore.ErrThrottled)
	require.NoError(t, w.DeleteAll(t.Context()))
	got, err = list(w, 0, 0)
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestInit(t *testing.T) {
	w := newWorld(3, mirror.Config{Policy: mirror.PolicyQuorum})
	w.fail(2, ltxstore.ErrUnavailable)
	require.NoError(t, w.Init(t.Context()))
	assert.Len(t, w.failures, 1)
	w = newWorld(3, mirror.Config{Policy: mirror.PolicyQuorum})
	w.fail(0, ltxstore.ErrUnavailable)
	w.fail(2, ltxstore.ErrUnavailable)
	require.ErrorIs(t, w.Init(t.Context()), ltxstore.ErrUnavailable)

	w = newWorld(2, mirror.Config{Policy: mirror.PolicyBestEffort})
	w.fail(1, fs.ErrInvalid)
	require.ErrorIs(t, w.Init(t.Context()), fs.ErrInvalid, "that is no outage")
	assert.Len(t, w.Replicas(), 2)
	assert.Same(t, w.replicas[0], w.Unwrap())

	var log bytes.Buffer
	w.SetLogger(slog.New(slog.NewTextHandler(&log, nil)))
	write(t, mirror.New(w.replicas[0], mirror.Config{Others: []ltxstore.ReplicaClient{mock.NewReplicaClient(mock.Config{})}}), 1, "x")
	_, err := w.WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("x"))
	require.NoError(t, err)
	assert.Contains(t, log.String(), `msg="replica of a mirror failed" op=write number=1 replica=mock level=0 minTXID=0000000000000002`)

	require.NoError(t, w.replicas[1].Inject(mock.Fault{Op: mock.OpClose, Err: ltxstore.ErrUnavailable}))
	err = w.Close()
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.ErrorContains(t, err, "1 of 2 replicas failed: replica 1: ")
	require.NoError(t, w.Close())
}

func TestRefusals(t *testing.T) {
	one, two := mock.NewReplicaClient(mock.Config{}), mock.NewReplicaClient(mock.Config{})
	others := []ltxstore.ReplicaClient{two}
	for field, cfg := range map[string]mirror.Config{
		"Others is":    {},
		"Others[0] is": {Others: []ltxstore.ReplicaClient{one}},
		"Others[1] is": {Others: []ltxstore.ReplicaClient{two, nil}},
		"Policy is":    {Others: others, Policy: "most"},
		"Backoff is":   {Others: others, Backoff: -1},
	} {
		c := mirror.New(one, cfg)
		_, err := c.LTXLevels(t.Context())
		for _, err := range []error{err, c.Init(t.Context()), c.DeleteAll(t.Context())} {
			assert.ErrorIs(t, err, fs.ErrInvalid)
			assert.ErrorContains(t, err, field)
		}
		assert.NotPanics(t, func() { c.SetLogger(nil); assert.NoError(t, c.Close()) })
	}
	require.NoError(t, mirror.New(one, mirror.Config{Others: others, Backoff: 2 * time.Minute}).Init(t.Context()))
	assert.ErrorContains(t, mirror.New(nil, mirror.Config{Others: others}).Init(t.Context()), "want a client to wrap")
}

// unclosable is a client whose listings fail to close.
type unclosable struct{ ltxstore.ReplicaClient }

type unclosableFiles struct{ ltx.FileIterator }

func (c unclosable) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	files, err := c.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
	return unclosableFiles{files}, err
}

func (f unclosableFiles) Close() error {
	return errors.Join(ltxstore.ErrUnavailable, f.FileIterator.Close())
}

// A listing reports that a replica's does not close.
func TestListingDoesNotClose(t *testing.T) {
	w := newWorld(1, mirror.Config{})
	c := mirror.New(w.replicas[0], mirror.Config{Others: []ltxstore.ReplicaClient{unclosable{mock.NewReplicaClient(mock.Config{})}}})
	files, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	assert.False(t, files.Next())
	assert.ErrorIs(t, files.Close(), ltxstore.ErrUnavailable)
}

// counted is a client that counts how often its readers are closed.
type counted struct {
	ltxstore.ReplicaClient
	closed int
}

type countedReader struct {
	io.ReadCloser
	of *counted
}

func (c *counted) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := c.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	return &countedReader{rc, c}, err
}

func (r *countedReader) Close() error {
	r.of.closed++
	return r.ReadCloser.Close()
}

// A reader that is closed again does not close the replica's again, nor read it.
func TestReaderIsClosedOnce(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	write(t, w, 1, "body")
	next := &counted{ReplicaClient: w.replicas[0]}
	rc, err := mirror.New(next, mirror.Config{Others: []ltxstore.ReplicaClient{w.replicas[1]}}).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, rc.Close())
	}
	assert.Equal(t, 1, next.closed)
	_, err = rc.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
}

// A replica that has failed lately is not listed if the others are enough.
func TestListingLeavesOutTheFailed(t *testing.T) {
	w := newWorld(2, mirror.Config{Backoff: time.Hour})
	write(t, w, 1, "body")
	first := w.replicas[0]
	require.NoError(t, first.Inject(mock.Fault{Op: mock.OpList, Err: ltxstore.ErrUnavailable}))
	for range 2 {
		found, err := list(w, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, []ltx.TXID{1}, found)
	}
	assert.Len(t, first.Calls(mock.OpList), 1)
}

// A file is listed as the first replica that has it lists it.
func TestListingOfTheFirst(t *testing.T) {
	w := newWorld(3, mirror.Config{})
	for n, body := range []string{"a", "bb", "ccc"} {
		for txid := ltx.TXID(n + 1); txid > 0; txid-- { // the third is in the last only
			write(t, w.replicas[len(w.replicas)-1-n], 4-txid, body)
		}
	}
	files, err := w.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	var sizes []int64
	for files.Next() {
		sizes = append(sizes, files.Item().Size)
	}
	require.NoError(t, files.Close())
	assert.Equal(t, []int64{3, 3, 3}, sizes)
}

// lister is a client that finds its levels, or fails.
type lister struct {
	*mock.ReplicaClient
	levels []int
	err    error
}

func (l lister) LTXLevels(context.Context) ([]int, error) { return l.levels, l.err }

// The levels are those of enough replicas, or an error.
func TestLevelsNeedEnough(t *testing.T) {
	one, two := lister{&mock.ReplicaClient{}, []int{10, 13}, nil}, lister{&mock.ReplicaClient{}, []int{13, 15}, nil}
	failed := lister{&mock.ReplicaClient{}, nil, ltxstore.ErrUnavailable}
	for _, tt := range []struct {
		first, other lister
		want         []int
		err          error
	}{{one, two, []int{10, 13, 15}, nil}, {one, failed, []int{10, 13}, nil}, {failed, lister{&mock.ReplicaClient{}, nil, ltxstore.ErrUnavailable}, nil, ltxstore.ErrUnavailable}} {
		c := mirror.New(tt.first, mirror.Config{Others: []ltxstore.ReplicaClient{tt.other}})
		c.SetLogger(nil)
		levels, err := c.LTXLevels(t.Context())
		assert.ErrorIs(t, err, tt.err)
		assert.Equal(t, tt.want, slices.DeleteFunc(levels, func(level int) bool { return level < 10 }), "beside those that are always asked for")
	}
}

// SetLogger and Close reach every replica, though a client beside it is missing.
func TestEveryReplica(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(3, mirror.Config{})
	w.SetLogger(slog.New(slog.NewTextHandler(&log, nil)))
	for _, c := range w.replicas {
		log.Reset()
		write(t, c, 1, "body")
		assert.Contains(t, log.String(), "replica=mock")
	}
	w.SetLogger(nil)
	last := w.replicas[2]
	require.NoError(t, last.Inject(mock.Fault{Op: mock.OpClose, Err: io.ErrNoProgress}))
	c := mirror.New(w.replicas[0], mirror.Config{Others: []ltxstore.ReplicaClient{nil, last}})
	c.SetLogger(nil)
	assert.ErrorIs(t, c.Close(), io.ErrNoProgress)
	assert.NoError(t, (&mirror.Error{}).Unwrap())
}
