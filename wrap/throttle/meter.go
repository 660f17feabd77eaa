package throttle

import (
	"context"
	"time"
)

// meter counts the bytes of one transfer against a limit. It takes a chunk at a time from the
// bucket, however small the reads: each waits for those of other transfers.
type meter struct {
	bucket *bucket
	owed   int // bytes that have passed and are not taken from the bucket yet
}

// read reads no more than fits into the current chunk.
func (m *meter) read(p []byte, read func(p []byte) (int, error)) (int, error) {
	if limit := m.bucket.Load(); limit != nil {
		p = p[:min(len(p), max(1, chunkOf(limit)-m.owed))]
	}
	return read(p)
}

// pass is called after a read of n bytes. It waits when a chunk is full, or at the end.
func (m *meter) pass(ctx context.Context, n int, end bool) error {
	m.owed += n
	limit := m.bucket.Load()
	if limit != nil && (m.owed == 0 || m.owed < chunkOf(limit) && !end) {
		return nil
	}
	owed := m.owed
	m.owed = 0
	return m.bucket.take(ctx, owed)
}

// settle takes what a transfer that ended early owes, without waiting.
func (m *meter) settle() {
	if limit := m.bucket.Load(); limit != nil {
		limit.ReserveN(time.Now(), min(m.owed, limit.Burst()))
	}
	m.owed = 0
}
