package throttle_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/throttle"
)

const megabyte = 1_000_000

func write(t *testing.T, c ltxstore.ReplicaClient, id ltx.TXID, size int) {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, id, id, bytes.NewReader(make([]byte, size)))
	require.NoError(t, err)
}

func read(t *testing.T, c ltxstore.ReplicaClient, id ltx.TXID) {
	t.Helper()
	rc, err := c.OpenLTXFile(t.Context(), 0, id, id, 0, 0)
	require.NoError(t, err)
	defer rc.Close()
	_, err = io.Copy(io.Discard, rc)
	require.NoError(t, err)
}

// took is how long do takes, in the bubble's time.
func took(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

// about sees a duration within a tenth of a second, which may pass at once, below
// want.
func about(t *testing.T, want, got time.Duration) {
	t.Helper()
	assert.LessOrEqual(t, got, want+time.Millisecond)
	assert.GreaterOrEqual(t, got, want-100*time.Millisecond-time.Millisecond)
}

func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := throttle.New(wraptest.Quiet(), throttle.Config{Limits: throttle.Limits{Upload: new(int64(megabyte)), Download: new(int64(2 * megabyte))}})
		about(t, 3*time.Second, took(func() { write(t, c, 1, 3*megabyte) }))
		about(t, 1500*time.Millisecond, took(func() { read(t, c, 1) }))
		time.Sleep(time.Hour) // which saves up no more than a tenth of a second
		about(t, time.Second, took(func() { write(t, c, 1, megabyte) }))

		unlimited := throttle.New(wraptest.Quiet(), throttle.Config{})
		assert.Zero(t, took(func() { write(t, unlimited, 1, megabyte); read(t, unlimited, 1) }))
	})
}

// A transfer pays for its own bytes, not for a whole chunk.
func TestSmallTransfers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := throttle.New(wraptest.Quiet(), throttle.Config{Limits: throttle.Limits{Upload: new(int64(10_000)), Download: new(int64(10_000))}})
		about(t, time.Second, took(func() {
			for range 100 {
				write(t, c, 1, 100)
			}
		}))
		about(t, time.Second, took(func() {
			for range 100 {
				read(t, c, 1)
			}
		}))
	})
}

// A rate below any chunk's size is kept too.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := throttle.New(wraptest.Quiet(), throttle.Config{Limits: throttle.Limits{Upload: new(int64(1))}})
		assert.Equal(t, 9*time.Second, took(func() { write(t, c, 1, 10) }))
	})
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := wraptest.Quiet()
		c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Requests: new(0.5)}})
		require.NoError(t, c.Init(t.Context()))
		ops := func() {
			write(t, c, 1, 10)
			read(t, c, 1)
			files, err := c.LTXFiles(t.Context(), 0, 0, false)
			require.NoError(t, err)
			require.NoError(t, files.Close())
			require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
			require.NoError(t, c.DeleteLTXFiles(t.Context(), nil)) // which is no request
			require.NoError(t, c.DeleteAll(t.Context()))
		}
		assert.Equal(t, 8*time.Second, took(ops), "five, the first at once")
	})
}

// What is wrong with a call costs no turn and no wait.
func TestRefusedCallsDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := wraptest.Quiet()
		c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Requests: new(0.001)}})
		done, cancel := context.WithCancel(t.Context())
		cancel()
		assert.Zero(t, took(func() {
			for range 3 {
				_, err := c.WriteLTXFile(t.Context(), 0, 2, 1, nil)
				assert.ErrorIs(t, err, fs.ErrInvalid)
				_, err = c.OpenLTXFile(t.Context(), 0, 1, 1, -1, 0)
				assert.ErrorIs(t, err, fs.ErrInvalid)
				_, err = c.LTXFiles(t.Context(), -1, 0, false)
				assert.ErrorIs(t, err, fs.ErrInvalid)
				assert.ErrorIs(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{nil}), fs.ErrInvalid)
				assert.ErrorIs(t, c.DeleteAll(done), context.Canceled)
			}
			require.NoError(t, c.DeleteAll(t.Context()))
		}))
	})
}

// Together the clients of a limiter stay within it.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter, err := throttle.NewLimiter(throttle.Limits{Upload: new(int64(megabyte))})
		require.NoError(t, err)
		about(t, 4*time.Second, took(func() {
			var both sync.WaitGroup
			for range 2 {
				c := throttle.New(wraptest.Quiet(), throttle.Config{Limiter: limiter})
				assert.Same(t, limiter, c.Limiter())
				both.Go(func() { write(t, c, 1, 2*megabyte) })
			}
			both.Wait()
		}))
	})
}

// What is read of a transfer that is closed early is paid by the next one.
func TestClosedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := wraptest.Quiet()
		write(t, next, 1, 10_000)
		c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Download: new(int64(100_000))}})
		assert.Zero(t, took(func() {
			for range 100 {
				rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
				require.NoError(t, err)
				_, err = io.ReadFull(rc, make([]byte, 1000))
				require.NoError(t, err)
				require.NoError(t, rc.Close())
			}
		}))
		about(t, time.Second+100*time.Millisecond, took(func() { read(t, c, 1) }))
	})
}

// What is not paid when all limits end is never paid.
func TestClosedAfterTheLimit(t *testing.T) {
	next := wraptest.Quiet()
	write(t, next, 1, 10_000)
	c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Download: new(int64(100_000))}})
	rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	_, err = io.ReadFull(rc, make([]byte, 1000))
	require.NoError(t, err)
	require.NoError(t, c.Limiter().Set(throttle.Limits{}))
	require.NoError(t, rc.Close())
}

// A transfer is read a chunk at a time, however small its limit makes the pieces.
func TestPieces(t *testing.T) {
	next := wraptest.Quiet()
	write(t, next, 1, 100_000)
	c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Download: new(int64(100 * megabyte))}})
	rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer rc.Close()
	reads := 0
	for err == nil {
		_, err = rc.Read(make([]byte, 32<<10))
		reads++
	}
	require.Equal(t, io.EOF, err)
	assert.LessOrEqual(t, reads, 100_000/(16<<10)+2)
}

// A large transfer does not starve a small one: that waits for a chunk of each
// other one.
func TestFair(t *testing.T) {
	for name, do := range map[string]struct {
		large, small func(t *testing.T, c ltxstore.ReplicaClient)
	}{
		"upload": {func(t *testing.T, c ltxstore.ReplicaClient) { write(t, c, 1, 10*megabyte) },
			func(t *testing.T, c ltxstore.ReplicaClient) { write(t, c, 2, 10_000) }},
		"upload, byte by byte": {func(t *testing.T, c ltxstore.ReplicaClient) { write(t, c, 1, 10*megabyte) },
			func(t *testing.T, c ltxstore.ReplicaClient) {
				_, err := c.WriteLTXFile(t.Context(), 0, 2, 2, iotest.OneByteReader(bytes.NewReader(make([]byte, 10_000))))
				require.NoError(t, err)
			}},
		"download": {func(t *testing.T, c ltxstore.ReplicaClient) { read(t, c, 1) },
			func(t *testing.T, c ltxstore.ReplicaClient) { read(t, c, 3) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := wraptest.Quiet()
				write(t, next, 1, 10*megabyte)
				write(t, next, 3, 10_000)
				c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Upload: new(int64(megabyte)), Download: new(int64(megabyte))}})
				done := make(chan time.Duration, 1)
				go func() { done <- took(func() { do.large(t, c) }) }()
				time.Sleep(2 * time.Second)
				assert.Less(t, took(func() { do.small(t, c) }), 50*time.Millisecond)
				about(t, 10*time.Second+10*time.Millisecond, <-done)
			})
		})
	}
}

// A changed limit is for the next chunk, and the next operation, as is the end of all limits.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := throttle.New(wraptest.Quiet(), throttle.Config{Limits: throttle.Limits{Upload: new(int64(1)), Requests: new(1.0)}})
		done := make(chan time.Duration, 1)
		go func() { done <- took(func() { write(t, c, 1, 2*megabyte) }) }()
		time.Sleep(9500 * time.Millisecond)
		assert.ErrorIs(t, c.Limiter().Set(throttle.Limits{Upload: new(int64(-1))}), fs.ErrInvalid)
		fast := throttle.Limits{Upload: new(int64(megabyte))}
		require.NoError(t, c.Limiter().Set(fast))
		*fast.Upload = 1 // it is the caller's
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, c.Limiter().Set(throttle.Limits{}))
		about(t, 11*time.Second+20*time.Millisecond, <-done)

		require.NoError(t, c.Limiter().Set(throttle.Limits{Upload: new(int64(1000))}))
		go func() { done <- took(func() { write(t, c, 1, 1000) }) }()
		time.Sleep(810 * time.Millisecond) // 900 bytes have passed, and a chunk of 100 waits
		require.NoError(t, c.Limiter().Set(throttle.Limits{Upload: new(int64(10))}))
		assert.Equal(t, 900*time.Millisecond, <-done)
		assert.Greater(t, took(func() { write(t, c, 1, 100) }), 5*time.Second)

		require.NoError(t, c.Limiter().Set(throttle.Limits{Requests: new(0.1)}))
		require.NoError(t, c.DeleteAll(t.Context()))
		go func() { done <- took(func() { assert.NoError(t, c.DeleteAll(t.Context())) }) }()
		synctest.Wait()
		require.NoError(t, c.Limiter().Set(throttle.Limits{Requests: new(0.5)}))
		require.NoError(t, c.DeleteAll(t.Context()))
		assert.Equal(t, 2*time.Second, took(func() { require.NoError(t, c.DeleteAll(t.Context())) }))
		assert.Equal(t, 10*time.Second, <-done)
	})
}

// Who gives up waiting takes no turn from the others.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := throttle.New(wraptest.Quiet(), throttle.Config{Limits: throttle.Limits{Requests: new(1.0)}})
		require.NoError(t, c.DeleteAll(t.Context()))
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			assert.ErrorIs(t, c.DeleteAll(ctx), context.DeadlineExceeded)
			cancel()
		}
		assert.InDelta(t, 800*time.Millisecond, took(func() { require.NoError(t, c.DeleteAll(t.Context())) }), float64(time.Millisecond))
	})
}

// The end of the context ends a wait with its own error, whichever way.
func TestContextEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := wraptest.Quiet()
		write(t, next, 1, 1000)
		c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Upload: new(int64(1)), Download: new(int64(1)), Requests: new(0.001)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		rc, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
		require.NoError(t, err)
		defer rc.Close()
		assert.Equal(t, time.Minute, took(func() {
			_, err = io.ReadAll(rc)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.IsType(t, &ltxstore.Error{}, err)
			_, again := rc.Read(make([]byte, 1))
			assert.Equal(t, err, again)
		}))

		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, time.Second, took(func() {
			err = c.DeleteAll(ctx)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.IsType(t, &ltxstore.Error{}, err)
		}), "it waits as long as it may, though its turn would come later")
		assert.Empty(t, next.Calls(mock.OpDeleteAll))

		require.NoError(t, c.Limiter().Set(throttle.Limits{Upload: new(int64(1))}))
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.Equal(t, time.Minute, took(func() {
			_, err = c.WriteLTXFile(ctx, 0, 2, 2, bytes.NewReader(make([]byte, 1000)))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}))
		assert.Len(t, next.Store().Keys(), 1, "nothing was published")
	})
}

// The next client's own failure to close is told.
func TestCloseFails(t *testing.T) {
	next := wraptest.Quiet()
	write(t, next, 1, 10)
	broken := errors.New("broken")
	rc, err := wide(wraptest.Unclosable{ReplicaClient: next, Err: broken}).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	assert.ErrorIs(t, rc.Close(), broken)
}

func TestCloseEndsARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := wraptest.Quiet()
		write(t, next, 1, 1000)
		c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Download: new(int64(1))}})
		rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(rc)
			done <- err
		}()
		synctest.Wait()
		assert.Zero(t, took(func() {
			assert.NoError(t, rc.Close())
			assert.ErrorIs(t, <-done, fs.ErrClosed)
		}))
	})
}

// twice reads a body to its end, goes back, and reads it again, as a backend does
// that sums it first.
type twice struct{ ltxstore.ReplicaClient }

func (c twice) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	at, err := r.(io.Seeker).Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil {
		_, err = r.(io.Seeker).Seek(at, io.SeekStart)
	}
	if err != nil {
		return nil, err
	}
	return c.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
}

func TestABodyCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := throttle.New(twice{wraptest.Quiet()}, throttle.Config{Limits: throttle.Limits{Upload: new(int64(megabyte))}})
		body := bytes.NewReader(make([]byte, 3*megabyte))
		_, err := body.Seek(megabyte, io.SeekStart)
		require.NoError(t, err)
		about(t, 2*time.Second, took(func() {
			info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, body)
			require.NoError(t, err)
			assert.EqualValues(t, 2*megabyte, info.Size)
		}))
	})
}

// The body's own failure is told, and nothing is published.
func TestBodyFails(t *testing.T) {
	next := wraptest.Quiet()
	broken := errors.New("broken")
	_, err := wide(next).WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(bytes.NewReader(make([]byte, 100)), iotest.ErrReader(broken)))
	assert.ErrorIs(t, err, broken)
	assert.Empty(t, next.Store().Keys())
	_, err = wide(next).WriteLTXFile(t.Context(), 0, 1, 1, nil)
	assert.ErrorIs(t, err, fs.ErrInvalid)
}

func TestConfig(t *testing.T) {
	zero, negative := int64(0), int64(-1)
	limiter := new(throttle.Limiter)
	for want, cfg := range map[string]throttle.Config{
		"Limits.Upload is 0: want at least 1 byte per second, or nil for no limit": {Limits: throttle.Limits{Upload: &zero}},
		"Limits.Download is -1: want at least 1 byte per second":                   {Limits: throttle.Limits{Download: &negative}},
		"Limits.Requests is 0: want more than 0 per second, or nil for no limit":   {Limits: throttle.Limits{Requests: new(0.0)}},
		"Limits.Requests is NaN":                           {Limits: throttle.Limits{Requests: new(math.NaN())}},
		"Limits.Requests is +Inf":                          {Limits: throttle.Limits{Requests: new(math.Inf(1))}},
		"Limiter is \"set\": want it, or Limits, not both": {Limits: throttle.Limits{Requests: new(1.0)}, Limiter: limiter},
	} {
		next := wraptest.Quiet()
		wraptest.Refused(t, throttle.New(next, cfg), want)
		assert.Empty(t, next.Calls())
	}
	wraptest.Refused(t, throttle.New(nil, throttle.Config{}), "next is <nil>")
}

// A transfer is paid on its way, not at its end.
func TestHalfATransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := wraptest.Quiet()
		write(t, next, 1, 2*megabyte)
		c := throttle.New(next, throttle.Config{Limits: throttle.Limits{Download: new(int64(megabyte))}})
		rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		defer rc.Close()
		about(t, time.Second, took(func() {
			_, err := io.CopyN(io.Discard, rc, megabyte)
			require.NoError(t, err)
		}))
	})
}
