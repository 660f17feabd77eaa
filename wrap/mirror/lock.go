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
	held sync.Map // from a layer.File to a chan struct{}, closed by unlock
}

// lock waits for the lock of a name. The caller must call unlock if it succeeds.
func (l *nameLocks) lock(ctx context.Context, f layer.File) (unlock func(), err error) {
	mine := make(chan struct{})
	for {
		held, taken := l.held.LoadOrStore(f, mine)
		if !taken {
			return func() { l.held.Delete(f); close(mine) }, nil
		}
		select {
		case <-held.(chan struct{}):
		case <-ctx.Done():
			return nil, flow.Err(ctx)
		}
	}
}
