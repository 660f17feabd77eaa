package main

import (
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen prints to a terminal, with a status line that is overwritten, or to
// anything else, with a line from time to time.
type screen struct {
	w     io.Writer
	width int // of the terminal; 0 if it is none
	dirty bool
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		s.width = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}

// every is how often a status should be shown.
func (s *screen) every() time.Duration {
	if s.width > 0 {
		return 250 * time.Millisecond
	}
	return 2 * time.Second
}

// status shows the progress.
func (s *screen) status(line string) {
	if s.width == 0 {
		fmt.Fprintln(s.w, line)
		return
	}
	s.busy(line)
}

// busy shows the current activity if it can be overwritten.
func (s *screen) busy(line string) {
	if s.width == 0 {
		return
	}
	// The last column is not used, because some terminals wrap after it.
	if most := s.width - 1; utf8.RuneCountInString(line) > most {
		line = string([]rune(line)[:most])
	}
	fmt.Fprintf(s.w, "\r%s\x1b[K", line)
	s.dirty = true
}

// clear removes the status.
func (s *screen) clear() {
	if s.dirty {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.dirty = false
	}
}

// say prints a permanent line after a label.
func (s *screen) say(label, format string, args ...any) {
	s.clear()
	fmt.Fprintf(s.w, "%-9s %s\n", label, fmt.Sprintf(format, args...))
}
