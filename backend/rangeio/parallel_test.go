package rangeio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// remote is a file whose requests are counted. Each takes time, if it is set:
// then it must be in a bubble.
type remote struct {
	content []byte
	latency time.Duration
	fail    func(offset int64) error

	mu    sync.Mutex
	open  int
	most  int
	asked []int64 // offsets
	bytes int64   // that were read, by everybody
}

type remoteBody struct {
	r    io.Reader
	from *remote
	ctx  context.Context
	wait time.Duration
	once sync.Once
}

func (b *remoteBody) Read(p []byte) (int, error) {
	if b.wait > 0 {
		select {
		case <-time.After(b.wait):
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
		b.wait = 0
	}
	n, err := b.r.Read(p)
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	b.from.bytes += int64(n)
	return n, err
}

func (b *remoteBody) Close() error {
	b.once.Do(func() {
		b.from.mu.Lock()
		defer b.from.mu.Unlock()
		b.from.open--
	})
	return nil
}

func (f *remote) get(ctx context.Context, offset, length int64) io.ReadCloser {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open++
	f.most = max(f.most, f.open)
	f.asked = append(f.asked, offset)
	var r io.Reader = bytes.NewReader(f.content[offset : offset+length])
	if f.fail != nil {
		if err := f.fail(offset); err != nil {
			r = iotest.ErrReader(err)
		}
	}
	return &remoteBody{r: r, from: f, ctx: ctx, wait: f.latency}
}

// read begins a transfer of size bytes from offset.
func (f *remote) read(ctx context.Context, pool *rangeio.Pool, offset, size int64) *rangeio.Parallel {
	return rangeio.NewParallel(ctx, rangeio.ParallelConfig{
		Body:   func(ctx context.Context) io.ReadCloser { return f.get(ctx, offset, size) },
		Offset: offset, Size: size, Pool: pool, Open: f.get,
	})
}

func newRemote(size int) *remote {
	f := &remote{content: make([]byte, size)}
	for i := range f.content {
		f.content[i] = byte(i * 7 >> 2)
	}
	return f
}

func TestParallelReadsWhatReadingOnceWould(t *testing.T) {
	for _, requests := range []int{1, 2, 3, 8, 100} {
		for _, size := range []int64{1, 99, 100, 101, 200, 201, 399, 400, 401, 1700, 4990} {
			t.Run(fmt.Sprintf("%d/%d", requests, size), func(t *testing.T) {
				f := newRemote(5000)
				r := f.read(t.Context(), rangeio.NewPool(int64(requests)*100, requests), 10, size)
				assert.Equal(t, []int64{10}, f.asked, "no more before somebody reads")
				require.NoError(t, iotest.TestReader(r, f.content[10:10+size]))
				require.NoError(t, r.Close())
				require.NoError(t, r.Close())
				assert.Zero(t, f.open)
				assert.LessOrEqual(t, f.most, requests+requests/2+1)
				assert.LessOrEqual(t, len(f.asked), ranges(size, 200))
			})
		}
	}
}

// ranges returns in how many ranges a transfer is read: the first is half of the full size, the
// second a quarter, and each of the others a sixteenth larger.
func ranges(size, full int64) (n int) {
	next := full / 16 * 4
	for left := size - full/2; ; n++ {
		if left <= 0 {
			return n + 1
		}
		left -= min(next, full)
		next += full / 16
	}
}

// A range at a time takes a request's latency each; with eight requests at
// once, an eighth of that.
func TestParallelOverlapsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRemote(10_000)
		f.latency = time.Second
		start := time.Now()
		r := f.read(t.Context(), rangeio.NewPool(800, 8), 0, 10_000)
		_, err := io.Copy(io.Discard, onlyReader{r})
		require.NoError(t, err)
		require.NoError(t, r.Close())
		assert.LessOrEqual(t, time.Since(start), 15*time.Second)
		assert.GreaterOrEqual(t, f.most, 8)
		assert.Len(t, f.asked, ranges(10_000, 200))
		assert.EqualValues(t, 10_000, f.bytes, "no byte is read twice")
	})
}

type onlyReader struct{ io.Reader }

// The beginning of a file costs one request.
func TestParallelWaitsForTheFirstBytes(t *testing.T) {
	f := newRemote(100_000)
	r := f.read(t.Context(), rangeio.NewPool(80_000, 8), 0, 100_000)
	_, err := io.CopyN(io.Discard, r, 1000)
	require.NoError(t, err)
	_, err = r.Read(nil)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Len(t, f.asked, 1)

	f = newRemote(100_000)
	r = f.read(t.Context(), rangeio.NewPool(80_000, 8), 0, 100_000)
	_, err = io.CopyN(io.Discard, r, 10_000/8)
	require.NoError(t, err)
	_, err = r.Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Len(t, f.asked, ranges(100_000, 20_000))
}

// Of many readers of one pool, the one with the most bytes left has nearly all
// of its blocks, and no other waits for any.
func TestPoolGoesToTheLargest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := rangeio.NewPool(800, 8)
		large, small := newRemote(8_000), newRemote(400)
		large.latency, small.latency = time.Second, time.Second
		big := large.read(t.Context(), pool, 0, 8_000)
		defer big.Close()
		_, err := io.ReadFull(iotest.OneByteReader(big), make([]byte, 100))
		require.NoError(t, err)
		var others []*rangeio.Parallel
		for range 5 {
			r := small.read(t.Context(), pool, 0, 400)
			others = append(others, r)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			assert.Equal(t, small.content, got)
		}
		synctest.Wait()
		assert.GreaterOrEqual(t, large.most, 8)
		assert.LessOrEqual(t, len(small.asked), 5*3)
		got, err := io.ReadAll(big)
		require.NoError(t, err)
		assert.Equal(t, large.content[100:], got)
		for _, r := range others {
			require.NoError(t, r.Close())
		}
	})
}

// A reader that is left open without being read holds what it has, and stops
// nobody. What it held is free once it is closed.
func TestPoolIsFreeAgain(t *testing.T) {
	pool := rangeio.NewPool(400, 4)
	idle := newRemote(5000)
	first := idle.read(t.Context(), pool, 0, 5000)
	_, err := io.ReadFull(iotest.OneByteReader(first), make([]byte, 20))
	require.NoError(t, err)

	f := newRemote(3000)
	r := f.read(t.Context(), pool, 0, 3000)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, f.content, got)
	require.NoError(t, r.Close())
	assert.Len(t, f.asked, 1, "all by the first request")

	half := newRemote(3000)
	r = half.read(t.Context(), pool, 0, 3000)
	_, err = io.CopyN(io.Discard, r, 1550)
	require.NoError(t, err)
	require.NoError(t, first.Close())
	_, err = io.Copy(io.Discard, onlyReader{r})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.EqualValues(t, 3000, half.bytes, "nothing is asked for that has been read")
	assert.Greater(t, len(half.asked), 2)

	r = f.read(t.Context(), pool, 0, 3000)
	_, err = io.Copy(io.Discard, onlyReader{r})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Greater(t, len(f.asked), 2)
}

func TestSharedPool(t *testing.T) {
	assert.Same(t, rangeio.SharedPool(0, 0), rangeio.SharedPool(32<<20, 16))
	assert.NotSame(t, rangeio.SharedPool(0, 0), rangeio.SharedPool(64<<20, 16))
	assert.NotSame(t, rangeio.SharedPool(0, 0), rangeio.SharedPool(32<<20, 4))
	assert.EqualValues(t, 4<<20, rangeio.SharedPool(0, 0).RangeSize())
	assert.EqualValues(t, 1, rangeio.NewPool(3, 8).RangeSize())
	assert.Equal(t, 3, rangeio.NewPool(0, 3).Requests())
}

func TestParallelFails(t *testing.T) {
	broken := errors.New("broken")
	f := newRemote(5000)
	f.fail = func(offset int64) error {
		if offset == 820 {
			return broken
		}
		return nil
	}
	pool := rangeio.NewPool(400, 4)
	r := f.read(t.Context(), pool, 0, 5000)
	got, err := io.ReadAll(r)
	assert.Len(t, got, 820, "what comes before is delivered")
	assert.Equal(t, broken, err)
	_, err = r.Read(make([]byte, 1))
	assert.Equal(t, broken, err)
	_, err = r.Read(nil)
	assert.Equal(t, broken, err)
	require.NoError(t, r.Close())
	assert.Zero(t, f.open)

	f.fail = nil
	r = f.read(t.Context(), pool, 0, 5000)
	f.asked = nil
	got, err = io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, f.content, got)
	require.NoError(t, r.Close())
	assert.Len(t, f.asked, ranges(5000, 200)-1, "the pool is whole again")
}

func TestParallelEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newRemote(5000)
	r := f.read(ctx, rangeio.NewPool(400, 4), 0, 5000)
	_, err := io.CopyN(io.Discard, r, 250)
	require.NoError(t, err)
	cancel()
	_, err = io.Copy(io.Discard, r)
	assert.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())
	assert.Zero(t, f.open)
}

// It ends so too while it waits for a range, whatever its body has.
func TestParallelEndsWhileItHesitates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := newRemote(5000)
		r := rangeio.NewParallel(ctx, rangeio.ParallelConfig{
			Body: func(ctx context.Context) io.ReadCloser { return f.get(ctx, 0, 5000) },
			Size: 5000, Pool: rangeio.NewPool(400, 4),
			Open: func(context.Context, int64, int64) io.ReadCloser {
				return io.NopCloser(readerFunc(func([]byte) (int, error) {
					<-hang
					return 0, io.EOF
				}))
			},
		})
		got, err := io.ReadAll(r)
		assert.Len(t, got, 100)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		close(hang)
		require.NoError(t, r.Close())
	})
}

// A store that ignores ranges is left alone with them.
func TestParallelWithoutRanges(t *testing.T) {
	f := newRemote(5000)
	f.fail = func(offset int64) error {
		if offset > 0 {
			return errors.ErrUnsupported
		}
		return nil
	}
	r := f.read(t.Context(), rangeio.NewPool(400, 4), 0, 5000)
	require.NoError(t, iotest.TestReader(r, f.content))
	require.NoError(t, r.Close())
	assert.Len(t, f.asked, 1+4+2)

	f.fail = func(offset int64) error {
		if offset == 280 {
			return errors.ErrUnsupported
		}
		return nil
	}
	r = f.read(t.Context(), rangeio.NewPool(400, 4), 0, 5000)
	got, err := io.ReadAll(r)
	assert.ErrorIs(t, err, errors.ErrUnsupported, "not only now and then")
	assert.Len(t, got, 280)
	require.NoError(t, r.Close())
}

// Close ends a Read that waits for a part.
func TestParallelClosedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRemote(5000)
		f.latency = time.Hour
		r := f.read(t.Context(), rangeio.NewPool(400, 4), 0, 5000)
		go func() {
			time.Sleep(time.Hour + time.Second) // the body has come, no part has
			assert.NoError(t, r.Close())
		}()
		got, err := io.ReadAll(r)
		assert.Len(t, got, 100)
		assert.ErrorContains(t, err, "close")
		require.NoError(t, r.Close())
		assert.Zero(t, f.open)
	})
}

// A body goes on if no range gets an answer, as where other bodies hold all connections.
func TestParallelGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRemote(5000)
		var canceled atomic.Int64
		pool := rangeio.NewPool(400, 4)
		r := rangeio.NewParallel(t.Context(), rangeio.ParallelConfig{
			Body: func(ctx context.Context) io.ReadCloser { return f.get(ctx, 0, 5000) },
			Size: 5000, Pool: pool,
			Open: func(ctx context.Context, _, _ int64) io.ReadCloser {
				return io.NopCloser(readerFunc(func([]byte) (int, error) {
					<-ctx.Done()
					canceled.Add(1)
					return 0, ctx.Err()
				}))
			},
		})
		start := time.Now()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, f.content, got)
		assert.Equal(t, 2*time.Second, time.Since(start), "it waits once")
		synctest.Wait()
		assert.EqualValues(t, 4+2, canceled.Load())
		f.latency = time.Millisecond
		other := f.read(t.Context(), pool, 0, 5000)
		got, err = io.ReadAll(other)
		require.NoError(t, err)
		assert.Equal(t, f.content, got, "the blocks are free again, before it is closed")
		assert.GreaterOrEqual(t, f.most, 1+4+2, "all of them")
		require.NoError(t, other.Close())
		require.NoError(t, r.Close())
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Requests that wait for their response hold no block. Half as many more than may be received at a
// time are sent in advance, and each range gets a smaller part of the blocks than the one before.
func TestParallelAsksAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRemote(5000)
		f.latency = 10 * time.Millisecond
		r := f.read(t.Context(), rangeio.NewPool(400, 4), 0, 5000)
		_, err := io.ReadFull(iotest.OneByteReader(r), make([]byte, 20))
		require.NoError(t, err)
		after := func(d time.Duration) (open, asked int, bytes int64) {
			time.Sleep(d)
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.open, len(f.asked), f.bytes
		}
		open, asked, bytes := after(100 * time.Millisecond)
		assert.Equal(t, 1+3, open, "the body and the ranges that are not full")
		assert.Equal(t, 1+4+2, asked)
		assert.EqualValues(t, 20+(4+5+6)*12+(4+1+1)*12, bytes)
		open, _, _ = after(2 * time.Second)
		assert.Equal(t, 1, open, "the connections serve others")
		start := time.Now()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, f.content[20:], got)
		assert.LessOrEqual(t, time.Since(start), 50/3*f.latency, "in parallel, still")
		require.NoError(t, r.Close())
		assert.Zero(t, f.open)
		assert.LessOrEqual(t, f.most, 1+4+2)
	})
}

// The blocks are for the ranges that are read first, whichever responses begin first.
func TestParallelKeepsBlocksForTheFirstRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRemote(5000)
		var mu sync.Mutex
		blocks := make(map[int64]int) // of each range that is received
		r := rangeio.NewParallel(t.Context(), rangeio.ParallelConfig{
			Body: func(ctx context.Context) io.ReadCloser { return f.get(ctx, 0, 5000) },
			Size: 5000, Pool: rangeio.NewPool(400, 4),
			Open: func(ctx context.Context, offset, length int64) io.ReadCloser {
				body := f.get(ctx, offset, length).(*remoteBody)
				body.wait = time.Second - time.Duration(offset)*time.Microsecond // the last range first
				return closer{readerFunc(func(p []byte) (int, error) {
					if len(p) > 1 {
						mu.Lock()
						defer mu.Unlock()
						blocks[offset]++
					}
					return body.Read(p)
				}), body.Close}
			},
		})
		_, err := io.ReadFull(iotest.OneByteReader(r), make([]byte, 20))
		require.NoError(t, err)
		time.Sleep(time.Second)
		mu.Lock()
		assert.Equal(t, map[int64]int{100: 4, 148: 5, 208: 6, 280: 4, 364: 1, 460: 1}, blocks)
		mu.Unlock()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, f.content[20:], got)
		require.NoError(t, r.Close())
		assert.Zero(t, f.open)
	})
}

// A range whose request has to wait for the connection of a later one, that has no block, gets
// it after a second. It happens once.
func TestParallelOverFewConnections(t *testing.T) {
	for _, late := range []int64{100, 460} {
		synctest.Test(t, func(t *testing.T) {
			f := newRemote(5000)
			connections := make(chan struct{}, 1)
			var stopped atomic.Int64
			var delayed atomic.Bool
			r := rangeio.NewParallel(t.Context(), rangeio.ParallelConfig{
				Body: func(ctx context.Context) io.ReadCloser { return f.get(ctx, 0, 5000) },
				Size: 5000, Pool: rangeio.NewPool(400, 4),
				Open: func(ctx context.Context, offset, length int64) io.ReadCloser {
					var body io.ReadCloser
					return closer{readerFunc(func(p []byte) (int, error) {
						if body == nil {
							if offset == late || offset > 2000 && delayed.CompareAndSwap(false, true) { // others get there first
								time.Sleep(time.Millisecond)
							}
							select {
							case connections <- struct{}{}:
							case <-ctx.Done():
								return 0, ctx.Err()
							}
							body = f.get(ctx, offset, length)
						}
						return body.Read(p)
					}), func() error {
						if body == nil {
							stopped.Add(1)
							return nil
						}
						<-connections
						return body.Close()
					}}
				},
			})
			start := time.Now()
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			assert.Equal(t, f.content, got)
			assert.Less(t, time.Since(start), 2*time.Second, "from %d", late)
			require.NoError(t, r.Close())
			assert.Zero(t, stopped.Load(), "the body does not go alone")
			assert.Empty(t, connections)
		})
	}
}

type closer struct {
	io.Reader
	close func() error
}

func (c closer) Close() error { return c.close() }
