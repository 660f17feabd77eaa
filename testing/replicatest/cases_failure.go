package replicatest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// failing is the file that the cases in this file fail to write.
var failing = file{0, 7, 7}

// failingBody is large enough that its last byte is far from its first buffer.
func (e *env) failingBody() []byte { return e.ltxBody(failing, timeOf(7), 8) }

// olderBody is the earlier content of failing in some cases.
func (e *env) olderBody() []byte { return e.ltxFile(7, 7, timeOf(8), 2) }

func failureCases() []Case {
	stages := []struct {
		name string
		at   func(size int) int
	}{
		{"before-header", func(int) int { return 0 }},
		{"in-header", func(int) int { return ltx.HeaderSize / 2 }},
		{"after-header", func(int) int { return ltx.HeaderSize + 1 }},
		{"in-the-middle", func(size int) int { return size / 2 }},
		{"on-last-byte", func(size int) int { return size }},
	}
	var cases []Case
	for _, stage := range stages {
		for _, over := range []bool{false, true} {
			id, needs, rest := "", []Capability(nil), "nothing is visible"
			if over {
				id, needs, rest = "-over-older", []Capability{Rewriting}, "the older file is intact"
			}
			cases = append(cases,
				Case{ID: "write/reader-fails-" + stage.name + id, Clauses: []string{"W3", "W4"}, Needs: needs,
					Rule: "When the reader fails, the error wraps its error and " + rest + ".",
					run:  func(ctx context.Context, e *env) error { return readerFails(ctx, e, stage.at, over) }},
				Case{ID: "write/cancelled-" + stage.name + id, Clauses: []string{"W3", "C2"}, Needs: needs,
					Rule: "When the context ends, the error is the context's and " + rest + ".",
					run:  func(ctx context.Context, e *env) error { return writeCancelled(ctx, e, stage.at, over) }})
		}
	}
	return append(cases,
		Case{ID: "write/plain-reader-fails", Clauses: []string{"W3"},
			Rule: "A failing reader of a body without an LTX header leaves nothing visible.", run: plainReaderFails},
		Case{ID: "write/reader-panics", Clauses: []string{"W3", "C3"},
			Rule: "If the reader panics, WriteLTXFile panics with the same value in the caller's goroutine; nothing is visible.", run: readerPanics},
		Case{ID: "write/reader-panics-no-leftovers", Clauses: []string{"W3"}, Needs: []Capability{RawAccess},
			Rule: "A panic of the reader leaves no temporary file and no unfinished upload.", run: panicLeavesNothing},
		Case{ID: "write/no-leftovers", Clauses: []string{"W3"}, Needs: []Capability{RawAccess},
			Rule: "Failed writes leave no temporary file and no unfinished upload.", run: noLeftovers},
		Case{ID: "write/store-fails", Clauses: []string{"W3"}, Needs: []Capability{Outages},
			Rule: "When the store fails, methods return errors, and none of these is about a missing file.", run: storeFails},
	)
}

func readerFails(ctx context.Context, e *env, at func(int) int, over bool) error {
	body := e.failingBody()
	old, err := e.older(ctx, over)
	if err != nil {
		return err
	}
	src := &source{body: body[:at(len(body))], end: errSource}
	_, err = e.client.WriteLTXFile(ctx, failing.level, failing.min, failing.max, src)
	if err := is("write", err, errSource); err != nil {
		return err
	}
	if n := src.afterEnd.Load(); n > 0 {
		return fmt.Errorf("the reader was read %d times after it had failed", n)
	}
	if src.closed.Load() {
		return errors.New("the caller's reader was closed")
	}
	return e.stays(ctx, failing, old)
}

// older writes the older file, if the case has one, and returns its body.
func (e *env) older(ctx context.Context, over bool) ([]byte, error) {
	if !over {
		return nil, nil
	}
	old := e.olderBody()
	_, err := e.write(ctx, failing, old)
	return old, err
}

func writeCancelled(ctx context.Context, e *env, at func(int) int, over bool) error {
	body := e.failingBody()
	old, err := e.older(ctx, over)
	if err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	src := &source{body: body, at: at(len(body)), chunk: 4 << 10, hook: cancel}
	err = e.promptly("write", func() error {
		_, err := e.client.WriteLTXFile(cancelled, failing.level, failing.min, failing.max, src)
		return err
	})
	if err == nil && src.ended.Load() && src.at == len(body) {
		// The whole body was read, so that the write may have succeeded. Then the
		// file must be whole.
		return e.holds(ctx, failing, body)
	}
	if err := is("write", err, context.Canceled); err != nil {
		return err
	}
	if src.ended.Load() && src.at <= len(body)/2 {
		return fmt.Errorf("cancelled when %d of %d bytes were read, the write continued to the end", src.at, len(body))
	}
	return e.stays(ctx, failing, old)
}

func plainReaderFails(ctx context.Context, e *env) error {
	for i, n := range []int{0, 1, 50, 5000, int(e.BodySize / 2)} {
		f := file{i, 1, 1}
		src := &source{body: plain(1, max(n, 1))[:n], end: errSource}
		_, err := e.client.WriteLTXFile(ctx, f.level, f.min, f.max, src)
		if err := first(
			func() error { return is("write", err, errSource) },
			func() error { return e.missing(ctx, f) },
		); err != nil {
			return fmt.Errorf("after %d bytes: %w", n, err)
		}
	}
	return nil
}

func noLeftovers(ctx context.Context, e *env) error {
	kept := file{0, 1, 1}
	if err := e.writeAll(ctx, kept); err != nil {
		return err
	}
	before, err := e.keys(ctx)
	if err != nil {
		return err
	}
	small, large := e.failingBody(), e.ltxBody(failing, timeOf(7), 1)
	for _, body := range [][]byte{small[:50], small[:5000], small, large} {
		_, err := e.client.WriteLTXFile(ctx, 0, 7, 7, &source{body: body, end: errSource})
		if err := is("write", err, errSource); err != nil {
			return err
		}
		// Half of a body may be less than a part: nothing was begun then.
		for _, at := range []int{len(body) / 2, len(body) * 15 / 16} {
			cancelled, cancel := context.WithCancel(ctx)
			src := &source{body: body, at: at, chunk: 4 << 10, hook: cancel}
			_, err = e.client.WriteLTXFile(cancelled, 0, 7, 7, src)
			cancel()
			if len(body) >= ltx.HeaderSize {
				if err := is("write", err, context.Canceled); err != nil {
					return err
				}
			}
		}
	}
	after, err := e.keys(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(after, before) {
		return fmt.Errorf("the store has %q after failed writes: want %q", after, before)
	}
	return nil
}

// keys returns the result of Raw.List, sorted and without empty directories.
func (e *env) keys(ctx context.Context) ([]string, error) {
	all, err := e.Raw.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the raw store: %w", err)
	}
	all = slices.DeleteFunc(slices.Clone(all), func(key string) bool { return strings.HasSuffix(key, "/") })
	slices.Sort(all)
	return all, nil
}

func storeFails(ctx context.Context, e *env) error {
	f := file{0, 1, 1}
	if err := e.writeAll(ctx, f); err != nil {
		return err
	}
	e.Faults.Unreachable()
	var errs []error
	check := func(what string, err error) {
		switch {
		case err == nil:
			errs = append(errs, fmt.Errorf("%s succeeds during an outage", what))
		case errorIsMissing(err):
			errs = append(errs, fmt.Errorf("%s during an outage is reported as a missing file: %w", what, err))
		}
	}
	_, err := e.client.WriteLTXFile(ctx, 0, 2, 2, &source{body: e.bodyOf(file{0, 2, 2})})
	check("write", err)
	_, err = e.read(ctx, f, 0, 0)
	check("read", err)
	_, err = e.list(ctx, 0, 0, false)
	check("list", err)
	check("delete", e.client.DeleteLTXFiles(ctx, []*ltx.FileInfo{f.info()}))
	check("delete all", e.client.DeleteAll(ctx))
	return errors.Join(errs...)
}

func errorIsMissing(err error) bool {
	return errors.Is(err, ltxstore.ErrStoreNotFound) || errors.Is(err, fs.ErrNotExist)
}
