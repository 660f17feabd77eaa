package rangeio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// parts counts the requests of a Parallel over content.
type parts struct {
	content []byte
	mu      sync.Mutex
	open    int
	most    int
	asked   []int64
	fail    func(offset int64) error
}

type openPart struct {
	io.Reader
	done func()
	once sync.Once
}

func (p *openPart) Close() error {
	p.once.Do(p.done)
	return nil
}

func (p *parts) get(_ context.Context, offset, length int64) io.ReadCloser {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
	p.most = max(p.most, p.open)
	p.asked = append(p.asked, offset)
	var r io.Reader = bytes.NewReader(p.content[offset : offset+length])
	if p.fail != nil {
		if err := p.fail(offset); err != nil {
			r = iotest.ErrReader(err)
		}
	}
	return &openPart{Reader: r, done: func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open--
	}}
}

func (p *parts) parallel(ctx context.Context, first, offset, size int64, concurrency int) *rangeio.Parallel {
	return rangeio.NewParallel(ctx, rangeio.ParallelConfig{
		First:     func(ctx context.Context) io.ReadCloser { return p.get(ctx, offset, first) },
		FirstSize: first, Offset: offset + first, Size: size - first, PartSize: 100, Concurrency: concurrency, Open: p.get,
	})
}

func TestParallelReadsWhatReadingOnceWould(t *testing.T) {
	content := make([]byte, 5000)
	for i := range content {
		content[i] = byte(i * 7)
	}
	for _, concurrency := range []int{1, 2, 3, 8, 100} {
		for _, size := range []int64{101, 200, 399, 400, 401, 1700, 4990} {
			t.Run(fmt.Sprintf("%d/%d", concurrency, size), func(t *testing.T) {
				p := &parts{content: content}
				r := p.parallel(t.Context(), 100, 10, size, concurrency)
				assert.Equal(t, []int64{10}, p.asked, "no more before somebody reads")
				require.NoError(t, iotest.TestReader(r, content[10:10+size]))
				require.NoError(t, r.Close())
				require.NoError(t, r.Close())
				assert.Zero(t, p.open)
				assert.LessOrEqual(t, p.most, max(concurrency, 1))
				assert.Len(t, p.asked, int(1+(size-100+99)/100))
			})
		}
	}
}

func TestParallelFails(t *testing.T) {
	broken := errors.New("broken")
	p := &parts{content: make([]byte, 5000), fail: func(offset int64) error {
		if offset == 700 {
			return broken
		}
		return nil
	}}
	r := p.parallel(t.Context(), 100, 0, 5000, 4)
	got, err := io.ReadAll(r)
	assert.Len(t, got, 700, "what comes before is delivered")
	assert.Equal(t, broken, err)
	_, err = r.Read(make([]byte, 1))
	assert.Equal(t, broken, err)
	require.NoError(t, r.Close())
	assert.Zero(t, p.open)
}

func TestParallelEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &parts{content: make([]byte, 5000)}
	r := p.parallel(ctx, 100, 0, 5000, 4)
	_, err := io.CopyN(io.Discard, r, 150)
	require.NoError(t, err)
	cancel()
	_, err = io.Copy(io.Discard, r)
	assert.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())
	assert.Zero(t, p.open)
}
