package replicatest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
)

// panicked is the value that a source panics with.
type panicked struct{ at int64 }

// panicking is a source that panics when a certain byte is read. It has a ReadAt, as a
// file does, which some clients call in several goroutines.
type panicking struct {
	*bytes.Reader
	at int64
}

func (p *panicking) Read(b []byte) (int, error) {
	pos, _ := p.Reader.Seek(0, io.SeekCurrent)
	if pos >= p.at {
		panic(panicked{p.at})
	}
	return p.Reader.Read(b[:min(int64(len(b)), p.at-pos)])
}

func (p *panicking) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > p.at {
		panic(panicked{p.at})
	}
	return p.Reader.ReadAt(b, off)
}

// WriteTo hides the method of bytes.Reader.
func (p *panicking) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{p})
}

// panickingEnd is a source that panics immediately.
type panickingEnd struct{ with panicked }

func (p panickingEnd) Read([]byte) (int, error) { panic(p.with) }

// panickingBodies are the bodies of failing and the offsets at which they panic.
func (e *env) panickingBodies() (sources []*panicking) {
	small := e.failingBody()
	large := e.ltxBody(failing, timeOf(7), e.BodySize/pageSize)
	for _, body := range [][]byte{small, large} {
		for _, at := range []int{0, 50, len(body) / 2, len(body) - 1} {
			sources = append(sources, &panicking{bytes.NewReader(body), int64(at)})
		}
	}
	return sources
}

// writePanics writes failing, and returns an error unless WriteLTXFile panics with the
// value of the source.
func (e *env) writePanics(ctx context.Context, at int64, r io.Reader) (err error) {
	defer func() {
		if value := recover(); value != (panicked{at}) {
			err = fmt.Errorf("reader panics at byte %d, but WriteLTXFile panics with %v and returns error %w", at, value, err)
		} else {
			err = nil
		}
	}()
	_, err = e.client.WriteLTXFile(ctx, failing.level, failing.min, failing.max, r)
	return err
}

func readerPanics(ctx context.Context, e *env) error {
	for _, seekable := range []bool{false, true} {
		for _, src := range e.panickingBodies() {
			r := io.Reader(src)
			if !seekable {
				r = struct{ io.Reader }{src}
			}
			if err := first(
				func() error { return e.writePanics(ctx, src.at, r) },
				func() error { return e.missing(ctx, failing) },
				func() error { return e.lists(ctx, failing.level, 0) },
			); err != nil {
				return fmt.Errorf("seekable %v: %w", seekable, err)
			}
		}
	}
	// A body that is too large for a single request.
	at := e.LargeSize / 16 * 15
	large := io.MultiReader(newGenerated(3, at), panickingEnd{panicked{at}})
	if err := first(
		func() error { return e.writePanics(ctx, at, large) },
		func() error { return e.missing(ctx, failing) },
	); err != nil {
		return err
	}
	// The failed writes have released everything that the next one needs.
	body := e.failingBody()
	if _, err := e.write(ctx, failing, body); err != nil {
		return err
	}
	return e.holds(ctx, failing, body)
}

func panicLeavesNothing(ctx context.Context, e *env) error {
	if err := e.writeAll(ctx, file{0, 1, 1}); err != nil {
		return err
	}
	before, err := e.keys(ctx)
	if err != nil {
		return err
	}
	for _, src := range e.panickingBodies() {
		if err := e.writePanics(ctx, src.at, struct{ io.Reader }{src}); err != nil {
			return err
		}
	}
	after, err := e.keys(ctx)
	if err == nil && !slices.Equal(after, before) {
		err = fmt.Errorf("the store has %q after writes that panicked: want %q", after, before)
	}
	return err
}
