package mirror

import (
	"context"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// change calls do for all replicas concurrently, needs of which must succeed. A write is
// stopped in the others once too many have failed.
func (c *Client) change(ctx context.Context, s *state, op string, f layer.File, needs int, do func(context.Context, *replica) error) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var mu sync.Mutex
	var all sync.WaitGroup
	failures := make([]error, len(s.replicas))
	left := len(s.replicas)
	stopped := false
	var panicked flow.Panic // a client's
	done := func(i int, r *replica, err error) {
		mu.Lock()
		defer mu.Unlock()
		if panicked.Caught() {
			stop(errPanicked)
			return
		}
		r.note(inner, err)
		if err == nil || stopped && inner.Err() != nil {
			return
		}
		failures[i] = err
		if left--; left < needs && !stopped && op == "write" {
			stopped = true
			stop(errStopped)
		}
	}
	for i, r := range s.replicas {
		all.Go(func() {
			var err error
			defer func() { done(i, r, err) }()
			panicked.Do(func() { err = do(inner, r) })
		})
	}
	all.Wait()
	panicked.Rethrow()
	var failed []Failure
	for i, err := range failures {
		if err != nil {
			failed = append(failed, s.replicas[i].failure(op, f, err))
		}
	}
	if left < needs {
		return c.end(ctx, op, keyOf(f), &Error{Failed: failed, Replicas: len(s.replicas)})
	}
	for _, failure := range failed {
		c.failed(ctx, s, failure)
	}
	return nil
}

// DeleteLTXFiles deletes the files in all replicas, each of which must succeed.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	s, err := layer.Begin(ctx, c.base, "delete", backend.CheckFiles(files))
	if err != nil {
		return err
	}
	return c.change(ctx, s, "delete", layer.File{}, len(s.replicas), func(ctx context.Context, r *replica) error {
		return r.client.DeleteLTXFiles(ctx, files)
	})
}

// DeleteAll deletes all files in all replicas, each of which must succeed.
func (c *Client) DeleteAll(ctx context.Context) error {
	s, err := layer.Begin(ctx, c.base, "init", nil)
	if err != nil {
		return err
	}
	return c.change(ctx, s, "delete all", layer.File{}, len(s.replicas), func(ctx context.Context, r *replica) error { return r.client.DeleteAll(ctx) })
}
