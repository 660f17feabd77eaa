package flow

// Line does work beside its caller, a bounded number at once, and hands over
// the results in the order in which the work was given. If some work panics,
// Do or Wait panics, when nothing is at work any more. It belongs to one
// goroutine, which must end with Wait.
type Line[T any] struct {
	// Limit is how much is done at once: less than 1 means 1.
	Limit int

	// Take gets each result, from within Do and Wait.
	Take func(T)

	queue    []chan T
	panicked Panic
}

// Do starts work, after it has waited for the oldest that still runs if the
// Limit is reached.
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

// Wait returns when all results are handed over.
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
