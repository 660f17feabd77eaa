package rangeio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// TestParallelProperty: whatever the store's times, its connections and the pauses of those that
// read, all bytes come in order, or the failure does after what precedes it, and in the end all
// connections and blocks are free.
func TestParallelProperty(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 15))
			buffers, size := 2+random.IntN(6), 1+random.IntN(50)
			pool := rangeio.NewPool(int64(buffers*size), buffers)
			readers := 1 + random.IntN(4)
			// Bodies may hold all of the connections.
			s := &slowStore{random: rand.New(rand.NewPCG(seed, 2)), connections: make(chan struct{}, readers+random.IntN(buffers))}
			start := time.Now()
			var all sync.WaitGroup
			for range readers {
				f := newRemote(1 + random.IntN(40*size))
				fails := int64(-1)
				if random.IntN(3) == 0 {
					fails = int64(random.IntN(len(f.content)))
				}
				limit := -1
				if random.IntN(4) == 0 {
					limit = random.IntN(len(f.content) + 1)
				}
				pauses := random.IntN(3) == 0
				random := rand.New(rand.NewPCG(seed, random.Uint64()))
				all.Go(func() {
					open := func(ctx context.Context, offset, length int64) io.ReadCloser {
						return s.open(ctx, f.content, offset, length, fails)
					}
					r := rangeio.NewParallel(t.Context(), rangeio.ParallelConfig{
						Body: func(ctx context.Context) io.ReadCloser { return open(ctx, 0, int64(len(f.content))) },
						Size: int64(len(f.content)), Pool: pool, Open: open,
					})
					var got []byte
					var err error
					for buf := make([]byte, 1+random.IntN(3*size)); err == nil && len(got) != limit; {
						var n int
						end := len(buf)
						if limit >= 0 {
							end = min(end, limit-len(got))
						}
						n, err = r.Read(buf[:end])
						got = append(got, buf[:n]...)
						has, most := rangeio.Blocks(pool)
						assert.LessOrEqual(t, has, most, "seed %d", seed)
						if pauses && random.IntN(10) == 0 {
							time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
						}
					}
					assert.True(t, bytes.HasPrefix(f.content, got), "seed %d", seed)
					switch {
					case err == io.EOF:
						assert.Len(t, got, len(f.content), "seed %d", seed)
					case err != nil:
						assert.ErrorIs(t, err, errSlow, "seed %d", seed)
						assert.GreaterOrEqual(t, fails, int64(len(got)), "seed %d", seed)
					}
					assert.NoError(t, r.Close())
				})
			}
			all.Wait()
			synctest.Wait()
			require.Less(t, time.Since(start), 10*time.Minute, "seed %d", seed)
			require.Empty(t, s.connections, "seed %d", seed)
			require.Zero(t, rangeio.InUse(pool), "seed %d", seed)
		})
	}
}

var errSlow = errors.New("connection reset")

// slowStore has a bound of connections, each of which is held until its body has ended or is closed.
type slowStore struct {
	connections chan struct{}

	mu     sync.Mutex
	random *rand.Rand
}

func (s *slowStore) wait() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.random.IntN(40)) * time.Millisecond
}

func (s *slowStore) open(ctx context.Context, content []byte, offset, length, fails int64) io.ReadCloser {
	b := &slowBody{s: s, ctx: ctx, left: content[offset : offset+length], fails: -1}
	if fails >= offset && fails < offset+length {
		b.fails = fails - offset
	}
	return b
}

type slowBody struct {
	s     *slowStore
	ctx   context.Context
	left  []byte
	fails int64 // after so many bytes; less than 0: not

	mu      sync.Mutex
	begun   bool
	release func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.begun {
		time.Sleep(b.s.wait()) // who asks first does not get there first
		select {
		case b.s.connections <- struct{}{}:
			b.begun, b.release = true, sync.OnceFunc(func() { <-b.s.connections })
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
	select {
	case <-time.After(b.s.wait()):
	case <-b.ctx.Done():
		b.release()
		return 0, b.ctx.Err()
	}
	switch {
	case b.fails == 0:
		b.release()
		return 0, errSlow
	case len(b.left) == 0:
		b.release()
		return 0, io.EOF
	case b.fails > 0:
		p = p[:min(int64(len(p)), b.fails)]
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	if b.fails > 0 {
		b.fails -= int64(n)
	}
	if len(b.left) == 0 { // as a rangeio.Reader does
		b.release()
	}
	return n, nil
}

func (b *slowBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.release != nil {
		b.release()
	}
	return nil
}
