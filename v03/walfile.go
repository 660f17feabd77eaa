package v03

import (
	"context"
	"io"

	"github.com/ltxstore/ltxstore"
)

// opened is a file that was opened in advance.
type opened struct {
	rc  io.ReadCloser
	err error
}

// ahead opens files in order, some of them in advance. It must be closed.
type ahead struct {
	cancel context.CancelFunc
	open   func(ctx context.Context, i int) (io.ReadCloser, error)
	ctx    context.Context
	n      int // number of files
	begun  int
	ready  []chan opened
	limit  int
}

func newAhead(ctx context.Context, n, limit int, open func(ctx context.Context, i int) (io.ReadCloser, error)) *ahead {
	a := &ahead{open: open, n: n, limit: limit}
	a.ctx, a.cancel = context.WithCancel(ctx)
	return a
}

// next returns the next file, which the caller closes.
func (a *ahead) next() (io.ReadCloser, error) {
	for ; a.begun < a.n && len(a.ready) < a.limit; a.begun++ {
		i, ready := a.begun, make(chan opened, 1)
		a.ready = append(a.ready, ready)
		go func() {
			rc, err := a.open(a.ctx, i)
			ready <- opened{rc, err}
		}()
	}
	file := <-a.ready[0]
	a.ready = a.ready[1:]
	return file.rc, file.err
}

// close closes the files that were opened but not read, and waits for those being opened.
func (a *ahead) close() {
	a.cancel()
	for _, ready := range a.ready {
		if file := <-ready; file.err == nil {
			file.rc.Close()
		}
	}
	a.ready = nil
}

// segments reads segments in order, those of a WAL file as one stream. It must be
// closed.
type segments struct {
	ahead *ahead
	left  []Segment // not yet started

	index int // of the current WAL file, if begun
	begun bool

	cur Segment       // the current segment, which an error is about
	rc  io.ReadCloser // of cur; nil if it is at its end
	at  int64         // in bytes of the WAL file

	done func(Segment) // called after a segment was read to its end
}

// newSegments starts to read segments, with limit of them open at a time.
func newSegments(ctx context.Context, client ltxstore.ReplicaClient, list []Segment, limit int, done func(Segment)) *segments {
	files := newAhead(ctx, len(list), limit, func(ctx context.Context, i int) (io.ReadCloser, error) { return list[i].open(ctx, client) })
	return &segments{left: list, ahead: files, done: done}
}

// more reports whether there is another WAL file, and starts it. The rest of the previous
// one is skipped.
func (s *segments) more() bool {
	s.stop()
	for s.begun && len(s.left) > 0 && s.left[0].Index == s.index {
		if rc, err := s.take(); err == nil {
			rc.Close()
		}
	}
	if s.at, s.begun = 0, len(s.left) > 0; s.begun {
		s.index, s.cur = s.left[0].Index, s.left[0]
	}
	return s.begun
}

// take makes the next segment the current one, and returns it.
func (s *segments) take() (io.ReadCloser, error) {
	s.cur, s.left = s.left[0], s.left[1:]
	return s.ahead.next()
}

// Read reads from the WAL file that more started. It returns io.EOF at its end.
func (s *segments) Read(p []byte) (int, error) {
	for {
		if s.rc == nil {
			if err := s.begin(); err != nil {
				return 0, err
			}
		}
		n, err := s.rc.Read(p)
		s.at += int64(n)
		if err != io.EOF {
			return n, err
		}
		s.stop()
		if s.done != nil {
			s.done(s.cur)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// begin opens the next segment of the WAL file, which must start where the previous one
// ended.
func (s *segments) begin() error {
	if len(s.left) == 0 || s.left[0].Index != s.index {
		return io.EOF
	}
	next, before := s.left[0], s.cur
	switch {
	case next.Offset > s.at:
		return missing(next.Generation, next.Index, s.at, "segment is missing: the next starts at %d", next.Offset)
	case next.Offset < s.at:
		s.cur = next
		return faultf("segment overlaps the one at %d, which ends at %d", before.Offset, s.at)
	}
	rc, err := s.take()
	if err != nil {
		return err
	}
	s.rc = rc
	return nil
}

func (s *segments) stop() {
	if s.rc != nil {
		s.rc.Close()
		s.rc = nil
	}
}

func (s *segments) close() {
	s.stop()
	s.ahead.close()
}
