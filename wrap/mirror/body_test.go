package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/mirror"
)

// noSize is a file that says to be empty, as those of /proc do, and is not.
type noSize struct{ *bytes.Reader }

func (n noSize) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return 0, nil
	}
	return n.Reader.Seek(offset, whence)
}

func TestBodyWithoutSize(t *testing.T) {
	w := newWorld(2, mirror.Config{})
	info, err := w.WriteLTXFile(t.Context(), 0, 1, 1, noSize{bytes.NewReader([]byte("body"))})
	require.NoError(t, err)
	assert.EqualValues(t, 4, info.Size)
}

// upper is a reader whose Read returns other bytes than the ReadAt of what it embeds.
type upper struct{ *strings.Reader }

func (u upper) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

func (u upper) WriteTo(io.Writer) (int64, error) { return 0, errors.New("want Read") }

// A body is what Read returns, whatever else a reader can do.
func TestBodyIsWhatReadReturns(t *testing.T) {
	for _, size := range []int{4, 100 << 10} {
		w := newWorld(2, mirror.Config{})
		_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, upper{strings.NewReader(strings.Repeat("x", size))})
		require.NoError(t, err)
		for _, c := range w.replicas {
			got, err := read(c, 1, 0, 0)
			require.NoError(t, err)
			assert.True(t, got == strings.Repeat("X", size))
		}
	}
}

// A writer that gives up waiting for a name leaves it to the one that has it.
func TestWriterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, mirror.Config{})
		var writing, most atomic.Int64
		body := func() io.Reader {
			return readFunc(func([]byte) (int, error) {
				most.Store(max(most.Load(), writing.Add(1)))
				time.Sleep(time.Minute)
				writing.Add(-1)
				return 0, errors.New("the disk is gone")
			})
		}
		var all sync.WaitGroup
		write := func(wait time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			all.Go(func() {
				defer cancel()
				_, err := w.WriteLTXFile(ctx, 0, 1, 1, body())
				assert.Error(t, err)
			})
			synctest.Wait()
		}
		write(time.Hour)
		write(time.Second) // gives up
		time.Sleep(2 * time.Second)
		write(time.Hour)
		all.Wait()
		assert.EqualValues(t, 1, most.Load())
	})
}

// A replica that hangs keeps a small body from no other, whatever its reader.
func TestHangingReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2, mirror.Config{Policy: mirror.PolicyBestEffort})
		w.replicas[0].WriteLTXFileFunc = func(ctx context.Context, _ int, _, _ ltx.TXID, _ io.Reader) (*ltx.FileInfo, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		body := strings.Repeat("0123456789abcdef", 4<<10-1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := w.WriteLTXFile(ctx, 0, 1, 1, stream(body))
		require.NoError(t, err)
		got, err := read(w.replicas[1], 1, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, body, got)
	})
}
