package mirror

import (
	"context"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// nameLocks has a lock for each file name, held while the file is written: otherwise
// two writers could each be the last one in some of the replicas.
type nameLocks struct {
	mu    sync.Mutex
	files map[layer.File]*nameLock
}

type nameLock struct {
	held  chan struct{}
	users int
}

// lock waits for the lock of a name. The caller must call unlock if it succeeds.
func (l *nameLocks) lock(ctx context.Context, f layer.File) (unlock func(), err error) {
	l.mu.Lock()
	if l.files == nil {
		l.files = make(map[layer.File]*nameLock)
	}
	it := l.files[f]
	if it == nil {
		it = &nameLock{held: make(chan struct{}, 1)}
		l.files[f] = it
	}
	it.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if it.users--; it.users == 0 {
			delete(l.files, f)
		}
	}
	select {
	case it.held <- struct{}{}:
		return func() { <-it.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, flow.Err(ctx)
	}
}
