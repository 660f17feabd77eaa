package mirror

import (
	"context"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// turns lets one writer of a name at a time write: of two, each could be the last
// in another replica.
type turns struct {
	mu    sync.Mutex
	files map[layer.File]*turn
}

type turn struct {
	held  chan struct{}
	users int
}

// take waits for the name. give must be called if it succeeds.
func (t *turns) take(ctx context.Context, f layer.File) (give func(), err error) {
	t.mu.Lock()
	if t.files == nil {
		t.files = make(map[layer.File]*turn)
	}
	it := t.files[f]
	if it == nil {
		it = &turn{held: make(chan struct{}, 1)}
		t.files[f] = it
	}
	it.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if it.users--; it.users == 0 {
			delete(t.files, f)
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
