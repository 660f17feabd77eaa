package flow

import (
	"runtime"
	"sync"
)

// Panic carries a panic, or a runtime.Goexit, from the goroutines in which it
// happens to the one that waits for them. Code of the caller's, such as a
// reader, a log handler or a client, runs in goroutines of ours: a panic there
// would end the process, and no recover of the caller's could keep it from
// that. The zero value carries nothing; it is safe for concurrent use.
type Panic struct {
	mu     sync.Mutex
	caught bool
	exited bool
	value  any
}

// Do calls f, and keeps the first panic. What must be done after f is to be
// deferred: of a runtime.Goexit Do does not return.
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

// Rethrow panics with the value that a call of Do has panicked with, or ends
// the goroutine as that has done. It does nothing if none has.
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
