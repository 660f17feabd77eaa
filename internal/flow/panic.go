package flow

import (
	"runtime"
	"sync"
)

// Panic carries a panic, or a runtime.Goexit, from other goroutines to the one that waits for
// them. Code of the caller, such as a reader, a log handler or a client, runs in goroutines of this
// module, where a panic would end the process without a chance to recover. The zero
// value is ready to use. It is safe for concurrent use.
type Panic struct {
	mu     sync.Mutex
	caught bool
	exited bool
	value  any
}

// Do calls f and records the first panic. Defer what must happen after f, because Do does not return
// after runtime.Goexit.
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

// Rethrow panics with the recorded value, or calls runtime.Goexit if f did. It does nothing if no
// call of Do has panicked.
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
