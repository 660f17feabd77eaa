package mirror

import (
	"cmp"
	"context"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// change calls do for all replicas concurrently, needs of which must succeed. A write is
// stopped in the others once too many have failed.
func (s *state) change(ctx context.Context, op string, f layer.File, needs int, do func(context.Context, *replica) error) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var mu sync.Mutex
	failures := make([]error, len(s.replicas))
	left, stopped := len(s.replicas), false
	flow.Each(len(s.replicas), len(s.replicas), func(i int) {
		err := errPanicked // unless do returns
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			if err == errPanicked {
				stop(err)
			}
			s.replicas[i].note(inner, err)
			if err == nil || stopped && inner.Err() != nil {
				return
			}
			failures[i] = err
			if left--; left < needs && !stopped && op == "write" {
				stopped = true
				stop(errStopped)
			}
		}()
		err = do(inner, s.replicas[i])
	})
	var failed []Failure
	for i, err := range failures {
		if err != nil {
			failed = append(failed, s.replicas[i].failure(op, f, err))
		}
	}
	if left < needs {
		return cmp.Or(flow.Err(ctx), error(&Error{Failed: failed, Replicas: len(s.replicas)}))
	}
	for _, failure := range failed {
		s.failed(ctx, failure)
	}
	return nil
}

// Delete implements layer.Operations.
func (s *state) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	return s.change(ctx, "delete", layer.File{}, len(s.replicas), func(ctx context.Context, r *replica) error {
		return r.client.DeleteLTXFiles(ctx, files)
	})
}

// DeleteAll implements layer.Operations.
func (s *state) DeleteAll(ctx context.Context) error {
	return s.change(ctx, "delete all", layer.File{}, len(s.replicas), func(ctx context.Context, r *replica) error { return r.client.DeleteAll(ctx) })
}
