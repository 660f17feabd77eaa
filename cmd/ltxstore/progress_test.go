package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/oplog"
)

// watched returns an app on a terminal, and what returns the line that is shown.
func watched(change func(a *app)) (*app, func() string) {
	var screen bytes.Buffer
	a := &app{err: &screen, errTTY: true, width: 200, now: time.Now}
	change(a)
	a.progress = a.newProgress()
	return a, func() string {
		a.progress.mu.Lock()
		defer a.progress.mu.Unlock()
		lines := strings.Split(screen.String(), "\r\x1b[K")
		return lines[len(lines)-1]
	}
}

// terminal returns all that was written to a terminal.
func terminal(a *app) string {
	a.progress.mu.Lock()
	defer a.progress.mu.Unlock()
	return a.err.(*bytes.Buffer).String()
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A transfer that stands still says so, and its speed is that of the last seconds.
func TestProgressStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, line := watched(func(*app) {})
		p := a.watch()
		for i := range int64(101) {
			p.show(i*1e6, 400e6, "file 1 of 2")
			wait(100 * time.Millisecond)
		}
		assert.Contains(t, line(), "]  25 %  99 MB  9.9 MB/s")
		assert.Contains(t, line(), "file 1 of 2  30s left")
		assert.NotContains(t, line(), "no data")
		wait(1500 * time.Millisecond)
		assert.NotContains(t, line(), "no data", "a moment is nothing")
		wait(4 * time.Second)
		assert.Contains(t, line(), "no data for 5s  [#####")
		assert.NotContains(t, line(), "left", "nobody knows")
		wait(time.Minute)
		assert.Contains(t, line(), "no data for 1m5s")
		assert.Contains(t, line(), "1.3 MB/s", "it falls")
		p.show(100e6, 400e6, "file 1 of 2") // a call that brings nothing
		wait(time.Second)
		assert.Contains(t, line(), "no data for 1m6s")
		p.show(150e6, 400e6, "file 2 of 2")
		wait(time.Second)
		assert.NotContains(t, line(), "no data")
		p.done()
		assert.Empty(t, line())
		wait(time.Minute)
		assert.Empty(t, line(), "it is done")
		a.progress.end()
	})
}

// The speed is not that of an hour ago.
func TestSpeed(t *testing.T) {
	var s speed
	now := time.Unix(0, 0)
	assert.Zero(t, s.at(now))
	begun := speed{samples: []sample{{now, 5}}}
	assert.Zero(t, begun.at(now), "nothing was timed yet")
	done := int64(0)
	for range 3000 {
		now, done = now.Add(100*time.Millisecond), done+1e6
		assert.True(t, s.add(now, done))
	}
	assert.InDelta(t, 10e6, s.at(now), 1e6)
	for range 300 {
		now, done = now.Add(100*time.Millisecond), done+1e3
		s.add(now, done)
	}
	assert.InDelta(t, 10e3, s.at(now), 1e3)
	assert.False(t, s.add(now, done))
	assert.False(t, s.add(now, done-1))
	for range 100000 { // as often as there are files
		now, done = now.Add(time.Millisecond), done+1e3
		assert.True(t, s.add(now, done))
	}
	assert.LessOrEqual(t, len(s.samples), 250)
	for what, tt := range map[string]struct {
		at   []time.Duration
		kept int
	}{
		"close":       {[]time.Duration{0, 50 * time.Millisecond, 100*time.Millisecond - 1}, 2},
		"as close":    {[]time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}, 3},
		"in a window": {[]time.Duration{0, time.Second, 11 * time.Second}, 3},
		"older":       {[]time.Duration{0, time.Second, 11*time.Second + 1}, 2},
	} {
		var s speed
		for i, at := range tt.at {
			s.add(time.Unix(0, 0).Add(at), int64(i+1))
		}
		assert.Len(t, s.samples, tt.kept, what)
	}
	assert.InDelta(t, 1e6, s.at(now), 1e5)
}

// A store that does not answer is not a blank screen: what is repeated is told, and
// why, whichever command waits.
func TestProgressShowsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, line := watched(func(*app) {})
		wait(2 * time.Second)
		assert.Empty(t, line())
		wait(time.Second)
		assert.Equal(t, "no data for 3s", line())
		wait(time.Second)
		assert.Equal(t, "no data for 4s", line())

		refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		log := new(oplog.Logger)
		log.Set(a.logger())
		log.Retried("s3", nil)(2, 1500*time.Millisecond, fmt.Errorf("operation error S3: ListObjectsV2, request id: %w", refused))
		assert.Equal(t, "no data for 4s  attempt 2 failed, again in 1.5s: dial 127.0.0.1:9: connection refused", line())
		wait(3 * time.Second)
		assert.Contains(t, line(), "no data for 7s  attempt 2 failed")

		a.progress.show(1000, 0, "1 file")
		wait(2 * time.Second)
		assert.Equal(t, "1.0 kB  0 B/s  1 file", line())
		a.progress.aside()
		assert.Empty(t, line())
		a.progress.end()
	})
}

// What is left is told once that can be known, unless nobody would wait for it.
func TestProgressLeft(t *testing.T) {
	begun := time.Unix(0, 0)
	for _, tt := range []struct {
		done  int64
		after time.Duration
		want  string
	}{{2, time.Minute, ""}, {3, time.Minute, "32m20s left"}, {50, time.Minute, "1m0s left"}, {50, 99 * time.Hour, "99h0m0s left"}, {50, 100 * time.Hour, ""}} {
		now := begun
		a := &app{now: func() time.Time { return now }, err: io.Discard}
		a.progress = a.newProgress()
		p := a.watch()
		now = begun.Add(tt.after)
		p.show(tt.done, 100, "x")
		text := p.compose(now)
		if tt.want == "" {
			assert.NotContains(t, text, "left")
		} else {
			assert.Contains(t, text, "x  "+tt.want)
		}
	}
}

// The line is written ten times a second at most, and is shorter than the terminal is wide.
func TestProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, line := watched(func(a *app) { a.width = 40 })
		a.progress.aside() // a line of output
		p := a.watch()
		wait(3 * time.Second)
		assert.Equal(t, "no data for 3s", line(), "it waits again")
		p.show(1, 0, "one")
		assert.Equal(t, "no data for 3s", line())
		wait(100*time.Millisecond - 1)
		p.show(2, 0, "two")
		assert.Equal(t, "no data for 3s", line())
		wait(1)
		p.show(3, 0, "three")
		assert.Contains(t, line(), "three")
		p.repeats(strings.Repeat("ü", 39))
		assert.Equal(t, strings.Repeat("ü", 39), line())
		p.repeats(strings.Repeat("ü", 40))
		assert.Equal(t, strings.Repeat("ü", 39), line())
		a.progress.end()
	})
}

// With -v the log has it, and with -quiet nothing is shown.
func TestProgressIsHidden(t *testing.T) {
	for _, change := range []func(*app){func(a *app) { a.quiet = true }, func(a *app) { a.verbose = true }, func(a *app) { a.errTTY = false }} {
		synctest.Test(t, func(t *testing.T) {
			a, line := watched(change)
			p := a.watch()
			p.show(1, 2, "x")
			p.repeats("y")
			wait(time.Hour)
			p.step(1, 2, "z")
			a.progress.end()
			assert.Empty(t, line())
		})
	}
}

// A step is not a transfer: it may take its time.
func TestStepsDoNotStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, line := watched(func(*app) {})
		p := a.watch()
		wait(time.Second)
		p.step(1, 2, "1 case")
		wait(time.Hour)
		assert.Equal(t, "[##########..........]  50 %  1 case", line())
		a.progress.end()
	})
}

// What a command says is not written into the line.
func TestOutputTakesTheLineAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, line := watched(func(*app) {})
		var screen bytes.Buffer
		out := &output{ctx: t.Context(), w: &screen, before: a.progress.aside}
		wait(5 * time.Second)
		assert.NotEmpty(t, line())
		fmt.Fprintln(out, "found")
		assert.Empty(t, line())
		shown := terminal(a)
		fmt.Fprintln(out, "found")
		assert.Equal(t, shown, terminal(a), "there is nothing to take away")
		wait(time.Hour)
		assert.Empty(t, line(), "there was an answer")
		a.progress.end()
	})
}

type answered struct{ status int }

func (answered) Error() string         { return "a long text" }
func (a answered) HTTPStatusCode() int { return a.status }

func TestRoot(t *testing.T) {
	assert.Equal(t, "HTTP status 503", root(fmt.Errorf("x: %w", answered{503})))
	assert.Equal(t, "a long text", root(fmt.Errorf("x: %w", answered{0})))
	assert.Equal(t, "deep", root(&net.OpError{Op: "dial", Err: errors.New("deep")}), "without an address")
	assert.Equal(t, "deep", root(fmt.Errorf("x: %w", fmt.Errorf("y: %w", errors.New("deep")))))
}

// The log of a client is nothing without -v.
func TestLogger(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var text bytes.Buffer
		a := &app{err: &text, now: time.Now, errTTY: true, width: 80, verbose: verbose}
		a.level.Set(silent)
		if verbose {
			a.level.Set(slog.LevelDebug)
		}
		a.progress = a.newProgress()
		log := a.logger().With("a", 1).WithGroup("g")
		log.Log(context.Background(), slog.LevelError, "loud", "b", 2)
		a.progress.end()
		assert.Equal(t, verbose, strings.Contains(text.String(), "loud a=1 g.b=2"), "%q", text.String())
	}
}
