package replicatest

import (
	"errors"
	"io"
	"sync/atomic"
)

// errSource is the error of a failing source.
var errSource = errors.New("replicatest: the source failed")

// source is a caller's reader that records its use: it counts reads after its end
// and calls of Close, and calls hook before the byte at position at is read.
type source struct {
	body []byte
	pos  int
	end  error // what follows the last byte; io.EOF if nil

	at    int // position at which hook is called, once
	hook  func()
	chunk int // maximum number of bytes of a read; 0 means no limit

	afterEnd atomic.Int64 // reads after end was returned
	ended    atomic.Bool
	closed   atomic.Bool
}

func (s *source) Read(p []byte) (int, error) {
	if s.ended.Load() {
		s.afterEnd.Add(1)
	}
	if s.hook != nil && s.pos >= s.at {
		hook := s.hook
		s.hook = nil
		hook()
	}
	if s.pos == len(s.body) {
		s.ended.Store(true)
		if s.end != nil {
			return 0, s.end
		}
		return 0, io.EOF
	}
	limit := len(s.body)
	if s.hook != nil {
		limit = s.at // stop there, so that the hook comes before that byte
	}
	if s.chunk > 0 {
		limit = min(limit, s.pos+s.chunk)
	}
	n := copy(p, s.body[s.pos:limit])
	s.pos += n
	return n, nil
}

// Close records a call, which clause W4 forbids.
func (s *source) Close() error {
	s.closed.Store(true)
	return nil
}

// generated is a source of size bytes that uses no memory, and, with verify,
// a writer that checks them.
type generated struct {
	random interface{ Read([]byte) (int, error) }
	left   int64
	each   func() // called from time to time
	since  int64
}

func newGenerated(seed uint64, size int64) *generated {
	return &generated{random: newRandom(seed), left: size}
}

func (g *generated) Read(p []byte) (int, error) {
	if g.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), g.left)]
	n, err := g.random.Read(p)
	g.left -= int64(n)
	if g.since += int64(n); g.each != nil && g.since >= 1<<20 {
		g.since = 0
		g.each()
	}
	return n, err
}

// verifier is an io.Writer that compares what is written with a generated source.
type verifier struct {
	want *generated
	buf  []byte
	n    int64
}

var errDiffers = errors.New("replicatest: content differs")

func (v *verifier) Write(p []byte) (int, error) {
	if cap(v.buf) < len(p) {
		v.buf = make([]byte, len(p))
	}
	want := v.buf[:len(p)]
	n, err := io.ReadFull(v.want, want)
	if err != nil || string(want[:n]) != string(p) {
		return 0, errDiffers
	}
	v.n += int64(n)
	return n, nil
}
