package flow

// Line runs functions in goroutines, a bounded number at a time, and passes on their results in the
// order of the calls. If a function panics, Do or Wait panics once no other is running. A Line is
// used by one goroutine, which must finally call Wait.
type Line[T any] struct {
	// Limit is the maximum number of functions running at a time. Less than 1 means 1.
	Limit int

	// Take is called with each result by Do and Wait.
	Take func(T)

	queue    []chan T
	panicked Panic
}

// Do starts a function. If Limit functions are running, it first waits for the oldest.
func (l *Line[T]) Do(work func() T) {
	if len(l.queue) >= max(l.Limit, 1) {
		l.take()
	}
	done := make(chan T, 1)
	l.queue = append(l.queue, done)
	go func() {
		defer close(done)
		l.panicked.Do(func() { done <- work() })
	}()
}

// Wait returns when all results have been passed on.
func (l *Line[T]) Wait() {
	for len(l.queue) > 0 {
		l.take()
	}
	l.panicked.Rethrow()
}

func (l *Line[T]) take() {
	done := l.queue[0]
	l.queue = l.queue[1:]
	if result, ok := <-done; ok {
		l.Take(result)
		return
	}
	for _, done := range l.queue {
		<-done
	}
	l.queue = nil
	l.panicked.Rethrow()
}
