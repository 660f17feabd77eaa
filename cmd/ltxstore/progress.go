package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress is a line on a terminal that is updated in place. It is not shown
// in a pipe, with -quiet, or with -v, which shows more.
//
// It is also updated while nothing happens, so that the user sees when a
// store does not respond or a transfer has stalled.
type progress struct {
	a  *app
	mu sync.Mutex

	compose func(now time.Time) string // nil: there is nothing to show but note
	waiting bool                       // for the first response
	note    string                     // what is being retried

	begun, last, moved time.Time
	shown              bool

	speed speed
	stop  func()
}

// refresh is how often the line is updated while nothing happens; stalled is
// the time without progress after which it says so.
const (
	refresh = time.Second
	stalled = 3 * time.Second
)

// newProgress starts to show that a command is waiting. The caller must call
// end.
func (a *app) newProgress() *progress {
	now := a.now()
	p := &progress{a: a, waiting: true, begun: now, last: now, moved: now, stop: func() {}}
	if !p.visible() {
		return p
	}
	ticker, ended, gone := time.NewTicker(refresh), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-ticker.C:
				p.mu.Lock()
				p.render(a.now())
				p.mu.Unlock()
			case <-ended:
				return
			}
		}
	}()
	p.stop = func() {
		ticker.Stop()
		close(ended)
		<-gone
	}
	return p
}

func (p *progress) visible() bool { return p.a.errTTY && !p.a.quiet && !p.a.verbose }

// end removes the line for good.
func (p *progress) end() {
	p.stop()
	p.done()
}

// watch starts to show the progress of a command. The caller must call done.
func (a *app) watch() *progress {
	p := a.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	now := a.now()
	p.begun, p.moved, p.waiting, p.speed = now, now, true, speed{}
	return p
}

// show shows how many of total bytes are done, and a text. A total of 0 is
// unknown. It is cheap to call often.
func (p *progress) show(done, total int64, what string) {
	p.line(func(now time.Time) {
		if p.speed.add(now, done) {
			p.moved, p.note = now, ""
		}
		p.compose = func(now time.Time) string {
			text := fmt.Sprintf("%s  %s/s  %s", humanSize(done), humanSize(p.speed.at(now)), what)
			if total <= 0 {
				return text
			}
			part := min(float64(done)/float64(total), 1)
			text = bar(part) + "  " + text
			seconds := now.Sub(p.begun).Seconds()
			if left := seconds/part - seconds; part > 0.02 && left < 100*3600 && !p.stands(now) {
				text += "  " + (time.Duration(left) * time.Second).String() + " left"
			}
			return text
		}
	})
}

// step shows the number of a step, from 0, and its name.
func (p *progress) step(i, total int, what string) {
	p.line(func(time.Time) {
		p.compose = func(time.Time) string { return bar(float64(i)/float64(total)) + "  " + what }
		p.moved = time.Time{} // a step has no bytes
	})
}

// repeats shows that a request has failed and is being retried.
func (p *progress) repeats(note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = note
	p.render(p.a.now())
}

func bar(part float64) string {
	const cells = 20
	full := int(part * cells)
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("#", full), strings.Repeat(".", cells-full), part*100)
}

// line changes the content and updates the line, at most ten times a second.
func (p *progress) line(change func(now time.Time)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.a.now()
	change(now)
	if now.Sub(p.last) >= 100*time.Millisecond {
		p.render(now)
	}
}

func (p *progress) stands(now time.Time) bool {
	return !p.moved.IsZero() && now.Sub(p.moved) >= stalled
}

// render writes the line. p is locked.
func (p *progress) render(now time.Time) {
	if !p.visible() {
		return
	}
	var parts []string
	if p.stands(now) && (p.compose != nil || p.waiting) {
		parts = append(parts, fmt.Sprintf("no data for %v", now.Sub(p.moved).Truncate(time.Second)))
	}
	if p.note != "" {
		parts = append(parts, p.note)
	}
	if p.compose != nil { // a narrow terminal must not cut off the note
		parts = append(parts, p.compose(now))
	}
	if len(parts) == 0 {
		return
	}
	p.last, p.shown = now, true
	text := []rune(strings.Join(parts, "  "))
	fmt.Fprint(p.a.err, "\r\x1b[K"+string(text[:min(len(text), p.a.width-1)]))
}

// done removes the line until there is more to show.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.compose, p.waiting, p.note = nil, false, ""
}

// print writes to standard error.
func (p *progress) print(text string) {
	p.done()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.a.err, text)
}

// aside removes the line while something else is written to the terminal.
func (p *progress) aside() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.waiting, p.note = false, ""
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.a.err, "\r\x1b[K")
		p.shown = false
	}
}

// speed computes the speed over the last seconds.
type speed struct{ samples []sample }

type sample struct {
	at   time.Time
	done int64
}

// add reports whether there is more than before.
func (s *speed) add(now time.Time, done int64) bool {
	n := len(s.samples)
	if n > 0 && s.samples[n-1].done >= done {
		return false
	}
	const window, most = 10 * time.Second, 100
	if n > 1 && now.Sub(s.samples[n-2].at) < window/most {
		s.samples[n-1].done = done // enough samples
		return true
	}
	s.samples = append(s.samples, sample{now, done})
	for len(s.samples) > 1 && now.Sub(s.samples[1].at) > window {
		s.samples = s.samples[1:]
	}
	return true
}

// at returns bytes a second.
func (s *speed) at(now time.Time) int64 {
	if len(s.samples) == 0 {
		return 0
	}
	first, last := s.samples[0], s.samples[len(s.samples)-1]
	seconds := now.Sub(first.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return int64(float64(last.done-first.done) / seconds)
}
