package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/superfly/ltx"
)

func sizeCases() []Case {
	var cases []Case
	for _, over := range []bool{false, true} {
		id, needs, rest := "", []Capability(nil), "nothing is visible"
		if over {
			id, needs, rest = "-over-older", []Capability{Rewriting}, "the older file is intact"
		}
		cases = append(cases,
			Case{ID: "write/size-shrinks" + id, Clauses: []string{"W5", "W3"}, Needs: needs,
				Rule: "A body that ends before the size reported by its Seek or Len is fs.ErrInvalid and " + rest + ".",
				run:  func(ctx context.Context, e *env) error { return sizeDiffers(ctx, e, over, shrinks) }},
			Case{ID: "write/size-grows" + id, Clauses: []string{"W5", "W3"}, Needs: needs,
				Rule: "A body that continues after the size reported by its Seek or Len is fs.ErrInvalid and " + rest + ".",
				run:  func(ctx context.Context, e *env) error { return sizeDiffers(ctx, e, over, grows) }},
			Case{ID: "write/reader-outlives-context" + id, Clauses: []string{"C2", "W3"}, Needs: needs,
				Rule: "When the reader waits until the context ends and then returns io.EOF or a failure, the error is the context's and " + rest + ".",
				run:  func(ctx context.Context, e *env) error { return readerGivesUp(ctx, e, over) }})
	}
	return cases
}

// shrinks and grows return the size that a body of these bytes reports, and its
// actual bytes.
func shrinks(body []byte) (told int, have []byte) { return len(body), body[:len(body)-1] }
func grows(body []byte) (told int, have []byte)   { return len(body) - 1, body }

func sizeDiffers(ctx context.Context, e *env, over bool, change func([]byte) (int, []byte)) error {
	old, err := e.older(ctx, over)
	if err != nil {
		return err
	}
	large, plain := e.failingBody(), e.plainBody(3, 1)
	bodies := map[string][]byte{
		"header alone": large[:ltx.HeaderSize+1], "few pages": large[:5000], "eighth of BodySize": large,
		"plain, small": plain[:50], "plain, BodySize": plain,
	}
	for name, body := range bodies {
		told, have := change(body)
		for kind, open := range tellers {
			src, done, err := open(have, told)
			if err != nil {
				return err
			}
			if src == nil {
				continue
			}
			_, err = e.client.WriteLTXFile(ctx, failing.level, failing.min, failing.max, src)
			done()
			if err := first(
				func() error { return is("write", err, fs.ErrInvalid) },
				func() error { return e.stays(ctx, failing, old) },
			); err != nil {
				return fmt.Errorf("body of %d bytes (%s) whose size is %d by %s: %w", len(have), name, told, kind, err)
			}
		}
	}
	return nil
}

// tellers make readers of have that report another size. They return nil if that is impossible.
var tellers = map[string]func(have []byte, told int) (r io.Reader, done func(), err error){
	"Len": func(have []byte, told int) (io.Reader, func(), error) {
		return &lengthTeller{bytes.NewReader(have), told}, func() {}, nil
	},
	"Seek": func(have []byte, told int) (io.Reader, func(), error) {
		return &seekTeller{bytes.NewReader(have), int64(told)}, func() {}, nil
	},
	"Seek, with ReadAt": func(have []byte, told int) (io.Reader, func(), error) {
		return &placeTeller{seekTeller{bytes.NewReader(have), int64(told)}}, func() {}, nil
	},
	"the Seek of a section of a file": func(have []byte, told int) (io.Reader, func(), error) {
		if told < len(have) {
			return nil, nil, nil // a section cannot be longer than it reports
		}
		return io.NewSectionReader(bytes.NewReader(have), 0, int64(told)), func() {}, nil
	},
	"an *os.File's Seek": fileTeller,
}

// lengthTeller is a reader without Seek.
type lengthTeller struct {
	r    *bytes.Reader
	told int
}

func (t *lengthTeller) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.told -= n
	return n, err
}

func (t *lengthTeller) Len() int { return max(t.told, 0) }

// seekTeller reports another size with Seek.
type seekTeller struct {
	r    *bytes.Reader
	told int64
}

func (t *seekTeller) Read(p []byte) (int, error) { return t.r.Read(p) }

func (t *seekTeller) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset, whence = offset+t.told, io.SeekStart
	}
	return t.r.Seek(offset, whence)
}

// placeTeller also has a ReadAt, as a file does.
type placeTeller struct{ seekTeller }

func (t *placeTeller) ReadAt(p []byte, off int64) (int, error) { return t.r.ReadAt(p, off) }

// fileTeller makes a file whose size changes after it was reported.
func fileTeller(have []byte, told int) (r io.Reader, done func(), err error) {
	f, err := os.CreateTemp("", "replicatest-*")
	if err != nil {
		return nil, nil, err
	}
	remove := func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	first := append(bytes.Clone(have), 0)[:told] // a zero in place of a missing byte
	if _, err := f.WriteAt(first, 0); err != nil {
		remove()
		return nil, nil, err
	}
	return &changingFile{f: f, size: int64(len(have))}, remove, nil
}

type changingFile struct {
	f       *os.File
	size    int64
	changed bool
}

func (c *changingFile) Seek(offset int64, whence int) (int64, error) { return c.f.Seek(offset, whence) }

// Read changes the file's size first.
func (c *changingFile) Read(p []byte) (int, error) {
	if !c.changed {
		c.changed = true
		if err := c.f.Truncate(c.size); err != nil {
			return 0, err
		}
	}
	return c.f.Read(p)
}

// length is a fixed size.
type length int

func (l length) Len() int { return int(l) }

func readerGivesUp(ctx context.Context, e *env, over bool) error {
	body := e.failingBody()
	old, err := e.older(ctx, over)
	if err != nil {
		return err
	}
	for _, end := range []error{io.EOF, errSource, io.ErrUnexpectedEOF} {
		for _, at := range []int{0, ltx.HeaderSize / 2, ltx.HeaderSize + 1, len(body) / 2} {
			for _, told := range []bool{false, true} {
				if err := givesUp(ctx, e, body, at, told, end, old); err != nil {
					return fmt.Errorf("with %q after %d of %d bytes, size reported %t: %w", end, at, len(body), told, err)
				}
			}
		}
	}
	return nil
}

func givesUp(ctx context.Context, e *env, body []byte, at int, told bool, end error, old []byte) error {
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	src := &source{body: body[:at], end: end, at: at, hook: cancel}
	var r io.Reader = src
	if told {
		r = struct {
			io.Reader
			length
		}{src, length(len(body))}
	}
	err := e.promptly("write", func() error {
		_, err := e.client.WriteLTXFile(cancelled, failing.level, failing.min, failing.max, r)
		return err
	})
	return first(
		func() error { return is("write", err, context.Canceled) },
		func() error {
			if errors.Is(err, fs.ErrInvalid) {
				return fmt.Errorf("write: the end of the context is reported as an invalid body: %w", err)
			}
			return nil
		},
		func() error { return e.stays(ctx, failing, old) },
	)
}
