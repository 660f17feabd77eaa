package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing/iotest"
)

func readerCases() []Case {
	return []Case{
		{ID: "write/read-to-eof", Clauses: []string{"W4"},
			Rule: "The caller's reader is read to io.EOF and not closed.", run: writeReadsToEOF},
		{ID: "write/readers", Clauses: []string{"W5"},
			Rule: "Any reader works: one-byte reads, data together with io.EOF, unknown length, files, pipes.", run: writeReaders},
		{ID: "write/seeker-from-current-offset", Clauses: []string{"W5"},
			Rule: "A seekable reader is written from its current offset.", run: writeSeeker},
		{ID: "write/empty", Clauses: []string{"W5"},
			Rule: "An empty body is fs.ErrInvalid and nothing is written.", run: writeEmpty},
	}
}

func writeReadsToEOF(ctx context.Context, e *env) error {
	for i, body := range [][]byte{e.ltxFile(1, 1, timeOf(1), 3), plain(1, 50), e.plainBody(2, 4)} {
		f, src := file{i, 1, 1}, &source{body: body}
		if _, err := e.writeFrom(ctx, f, src, int64(len(body))); err != nil {
			return err
		}
		switch {
		case !src.ended.Load():
			return fmt.Errorf("%v: the reader was not read to io.EOF", f)
		case src.closed.Load():
			return fmt.Errorf("%v: the caller's reader was closed", f)
		}
	}
	return nil
}

func writeReaders(ctx context.Context, e *env) error {
	body := e.ltxFile(1, 1, timeOf(1), 5)
	other := plain(9, 5000)
	pipe := func(b []byte) io.Reader {
		r, w := io.Pipe()
		go func() {
			_, err := w.Write(b)
			w.CloseWithError(err)
		}()
		return r
	}
	readers := []struct {
		name string
		make func([]byte) io.Reader
	}{
		{"one byte a read", func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) }},
		{"half of what is asked", func(b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) }},
		{"data together with io.EOF", func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) }},
		{"no other method", func(b []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(b)} }},
		{"a seeker that cannot seek", func(b []byte) io.Reader { return brokenSeeker{bytes.NewReader(b)} }},
		{"bytes.Buffer", func(b []byte) io.Reader { return bytes.NewBuffer(bytes.Clone(b)) }},
		{"strings.Reader", func(b []byte) io.Reader { return strings.NewReader(string(b)) }},
		{"io.SectionReader", func(b []byte) io.Reader { return io.NewSectionReader(within(b), int64(len(margin)), int64(len(b))) }},
		{"io.LimitedReader", func(b []byte) io.Reader {
			r := within(b)
			_, _ = r.Seek(int64(len(margin)), io.SeekStart)
			return io.LimitReader(r, int64(len(b)))
		}},
		{"io.Pipe", pipe},
	}
	level := 0
	for _, kind := range readers {
		for _, b := range [][]byte{body, other} {
			f := file{level, 1, 1}
			level++
			if err := first(
				func() error { _, err := e.writeFrom(ctx, f, kind.make(b), int64(len(b))); return err },
				func() error { return e.holds(ctx, f, b) },
			); err != nil {
				return fmt.Errorf("reader %q: %w", kind.name, err)
			}
		}
	}
	return writeOSFiles(ctx, e, file{level, 1, 1}, file{level + 1, 1, 1}, body)
}

// margin surrounds a body in a larger source.
const margin = "not of the body"

// within returns a reader of b with a margin on either side.
func within(b []byte) *strings.Reader { return strings.NewReader(margin + string(b) + margin) }

// brokenSeeker is like a pipe: it has a Seek method that fails.
type brokenSeeker struct{ io.Reader }

func (brokenSeeker) Seek(int64, int) (int64, error) { return 0, errors.New("illegal seek") }

// writeOSFiles writes body from a file on disk, where it follows a few other bytes,
// and from a pipe of the operating system.
func writeOSFiles(ctx context.Context, e *env, fromFile, fromPipe file, body []byte) (err error) {
	disk, err := os.CreateTemp("", "replicatest-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close(), os.Remove(disk.Name())) }()
	if _, err := disk.Write(append([]byte("strange"), body...)); err != nil {
		return err
	}
	if _, err := disk.Seek(int64(len("strange")), io.SeekStart); err != nil {
		return err
	}
	if _, err := e.writeFrom(ctx, fromFile, disk, int64(len(body))); err != nil {
		return fmt.Errorf("reader *os.File: %w", err)
	}
	if err := e.holds(ctx, fromFile, body); err != nil {
		return fmt.Errorf("reader *os.File: %w", err)
	}

	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	go func() {
		_, _ = w.Write(body)
		_ = w.Close()
	}()
	if _, err := e.writeFrom(ctx, fromPipe, r, int64(len(body))); err != nil {
		return fmt.Errorf("reader os.Pipe: %w", err)
	}
	return e.holds(ctx, fromPipe, body)
}

func writeSeeker(ctx context.Context, e *env) error {
	body := e.ltxFile(5, 9, timeOf(5), 4)
	r := bytes.NewReader(append([]byte("something before it"), body...))
	if _, err := r.Seek(int64(len("something before it")), io.SeekStart); err != nil {
		return err
	}
	f := file{1, 5, 9}
	return first(
		func() error { _, err := e.writeFrom(ctx, f, r, int64(len(body))); return err },
		func() error { return e.holds(ctx, f, body) },
	)
}

func writeEmpty(ctx context.Context, e *env) error {
	atEnd := strings.NewReader("at its end")
	_, _ = atEnd.Seek(0, io.SeekEnd)
	for name, r := range map[string]io.Reader{
		"strings.Reader": strings.NewReader(""), "bytes.Buffer": &bytes.Buffer{}, "no other method": &source{}, "a seeker at its end": atEnd,
	} {
		_, err := e.client.WriteLTXFile(ctx, 0, 3, 3, r)
		if err := is("empty body from "+name, err, fs.ErrInvalid); err != nil {
			return err
		}
	}
	return e.missing(ctx, file{0, 3, 3})
}
