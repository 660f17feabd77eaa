package flow

import (
	"context"
	"sync"
)

// Flights makes one call for concurrent callers with the same key. Unlike package
// singleflight of golang.org/x/sync it cancels the call when no caller waits for it, and a
// panic of the call is propagated to each of them. The zero value is ready to use.
type Flights[K comparable, V any] struct {
	mu  sync.Mutex
	run map[K]*flight[V]
}

type flight[V any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	v       V
	err     error

	panicked Panic
}

// Do calls call, or waits for the call that another caller with the same key has made, and
// returns its result; shared reports that it was another caller's. The context of call is
// canceled when no caller waits any more; the last one waits until it has returned.
func (g *Flights[K, V]) Do(ctx context.Context, key K, call func(context.Context) (V, error)) (v V, shared bool, err error) {
	g.mu.Lock()
	f := g.run[key]
	if shared = f != nil; !shared {
		f = g.start(ctx, key, call)
	}
	f.waiting++
	g.mu.Unlock()
	select {
	case <-f.done:
		f.panicked.Rethrow()
		return f.v, shared, f.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	if last {
		g.forget(key, f)
		f.cancel()
	}
	g.mu.Unlock()
	if last {
		<-f.done
	}
	return v, shared, Err(ctx)
}

// start is called with mu held.
func (g *Flights[K, V]) start(ctx context.Context, key K, call func(context.Context) (V, error)) *flight[V] {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight[V]{done: make(chan struct{}), cancel: cancel}
	if g.run == nil {
		g.run = make(map[K]*flight[V])
	}
	g.run[key] = f
	go func() {
		defer close(f.done)
		defer cancel()
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.forget(key, f)
		}()
		f.panicked.Do(func() { f.v, f.err = call(ctx) })
	}()
	return f
}

func (g *Flights[K, V]) forget(key K, f *flight[V]) {
	if g.run[key] == f {
		delete(g.run, key)
	}
}
