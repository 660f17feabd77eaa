package flow

import (
	"runtime"
	"sync"
)

// Panic propagates a panic, or a runtime.Goexit, from other goroutines to the one that waits for
// them. The caller's code, such as a reader, a log handler or a client, runs in goroutines of this
// module, where it could not recover from a panic. The zero value is ready to use. It is safe for
// concurrent use.
type Panic struct {
	mu     sync.Mutex
	caught bool
	exited bool
	value  any
}

// Do calls f and records the first panic. After a runtime.Goexit in f it does not return, so that
// code which must run afterwards has to be deferred.
func (p *Panic) Do(f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.caught {
			p.caught, p.exited, p.value = true, value == nil, value
		}
	}()
	f()
	returned = true
}

// Caught reports whether a call of Do has panicked.
func (p *Panic) Caught() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caught
}

// Rethrow panics with the recorded value, or calls runtime.Goexit if that was recorded. It does
// nothing if no call of Do has panicked.
func (p *Panic) Rethrow() {
	p.mu.Lock()
	caught, exited, value := p.caught, p.exited, p.value
	p.mu.Unlock()
	switch {
	case exited:
		runtime.Goexit()
	case caught:
		panic(value)
	}
}
