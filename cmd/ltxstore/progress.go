package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// progress is one line that changes, on a terminal. In a pipe it is nothing.
type progress struct {
	a     *app
	mu    sync.Mutex
	begun time.Time
	last  time.Time
	shown bool
}

// watch begins to show progress. The caller calls done.
func (a *app) watch() *progress {
	now := a.now()
	return &progress{a: a, begun: now, last: now}
}

// show shows how many bytes of total have been done, and more about it. A total of
// 0 is not known. It costs nothing to call it often.
func (p *progress) show(done, total int64, what string) {
	p.line(func(seconds float64) string {
		text := fmt.Sprintf("%s  %s/s  %s", humanSize(done), humanSize(int64(float64(done)/seconds)), what)
		if total <= 0 {
			return text
		}
		part := min(float64(done)/float64(total), 1)
		text = bar(part) + "  " + text
		if left := seconds/part - seconds; part > 0.02 && left < 100*3600 {
			text += "  " + (time.Duration(left) * time.Second).String() + " left"
		}
		return text
	})
}

// step shows the number of a step, from 0, and what is done in it.
func (p *progress) step(i, total int, what string) {
	p.line(func(float64) string { return bar(float64(i)/float64(total)) + "  " + what })
}

func bar(part float64) string {
	const cells = 20
	full := int(part * cells)
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("#", full), strings.Repeat(".", cells-full), part*100)
}

// line shows a text, ten times a second at most.
func (p *progress) line(compose func(seconds float64) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.a.now()
	if !p.a.errTTY || p.a.quiet || now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last, p.shown = now, true
	text := compose(now.Sub(p.begun).Seconds())
	if room := p.a.width - 1; utf8.RuneCountInString(text) > room {
		text = string([]rune(text)[:room])
	}
	fmt.Fprint(p.a.err, "\r\x1b[K"+text)
}

// done takes the line away.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.a.err, "\r\x1b[K")
		p.shown = false
	}
}
