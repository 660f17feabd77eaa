package throttle

import (
	"context"
	"time"
)

// meter is what one transfer has of a limit. It pays a chunk at a time, however
// small the pieces in which it is read: each payment waits for those of the other
// transfers.
type meter struct {
	bucket *bucket
	owed   int // bytes that have passed and are not paid
}

// read reads no more than may pass before the next payment.
func (m *meter) read(p []byte, read func(p []byte) (int, error)) (int, error) {
	if pace := m.bucket.get(); pace != nil {
		p = p[:min(len(p), max(1, pace.chunk-m.owed))]
	}
	return read(p)
}

// pass is called after a read. It waits when a chunk is full, or at the end.
func (m *meter) pass(ctx context.Context, n int, end bool) error {
	m.owed += n
	pace := m.bucket.get()
	if pace == nil {
		m.owed = 0
		return nil
	}
	if m.owed == 0 || m.owed < pace.chunk && !end {
		return nil
	}
	owed := m.owed
	m.owed = 0
	return m.bucket.take(ctx, owed)
}

// settle pays for what has passed of a transfer that ended early, without waiting.
func (m *meter) settle() {
	if pace := m.bucket.get(); pace != nil && m.owed > 0 {
		pace.tokens.ReserveN(time.Now(), min(m.owed, pace.tokens.Burst()))
	}
	m.owed = 0
}
