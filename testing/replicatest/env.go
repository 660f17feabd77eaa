package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// env has what a case needs.
type env struct {
	Config
	Store
	client ltxstore.ReplicaClient
}

// on returns the same store with another client.
func (e *env) on(client ltxstore.ReplicaClient) *env {
	other := *e
	other.client = client
	return &other
}

// file names an LTX file.
type file struct {
	level    int
	min, max ltx.TXID
}

func (f file) String() string {
	return fmt.Sprintf("level %d %s", f.level, ltx.FormatFilename(f.min, f.max))
}

func (f file) info() *ltx.FileInfo {
	return &ltx.FileInfo{Level: f.level, MinTXID: f.min, MaxTXID: f.max}
}

func fileOf(info *ltx.FileInfo) file { return file{info.Level, info.MinTXID, info.MaxTXID} }

// write writes body and checks the result according to W1.
func (e *env) write(ctx context.Context, f file, body []byte) (*ltx.FileInfo, error) {
	return e.writeFrom(ctx, f, bytes.NewReader(body), int64(len(body)))
}

func (e *env) writeFrom(ctx context.Context, f file, r io.Reader, size int64) (*ltx.FileInfo, error) {
	info, err := e.client.WriteLTXFile(ctx, f.level, f.min, f.max, r)
	switch {
	case err != nil:
		return nil, fmt.Errorf("write %v: %w", f, err)
	case info == nil:
		return nil, fmt.Errorf("write %v: no FileInfo and no error", f)
	case fileOf(info) != f:
		return nil, fmt.Errorf("write %v: FileInfo is that of %v", f, fileOf(info))
	case info.Size != size:
		return nil, fmt.Errorf("write %v: FileInfo.Size is %d: want %d", f, info.Size, size)
	case info.CreatedAt.IsZero():
		return nil, fmt.Errorf("write %v: FileInfo.CreatedAt is zero", f)
	}
	return info, nil
}

// writeAll writes a small file for each name.
func (e *env) writeAll(ctx context.Context, files ...file) error {
	return parallel(len(files), func(i int) error {
		_, err := e.write(ctx, files[i], e.bodyOf(files[i]))
		return err
	})
}

// bodyOf returns the content of a file of writeAll: an LTX file if the name can be
// that of one. All cases share the result.
func (e *env) bodyOf(f file) []byte {
	if f.min == 0 {
		return plain(uint64(f.max), 300)
	}
	return e.ltxFile(f.min, f.max, timeOf(f.min), 1)
}

// timeOf is the header timestamp of writeAll's files: long ago, with milliseconds,
// so that no store's own time can be mistaken for it.
func timeOf(id ltx.TXID) time.Time {
	return time.Date(2021, 3, 4, 5, 6, 7, 891_000_000, time.UTC).Add(time.Duration(id%1e6) * time.Second)
}

// read reads a range of a file.
func (e *env) read(ctx context.Context, f file, offset, size int64) ([]byte, error) {
	rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, offset, size)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", f, err)
	}
	limit := 2*e.BodySize + 8<<20 // more than twice the size of any file
	b, err := io.ReadAll(io.LimitReader(rc, limit))
	if err == nil && int64(len(b)) == limit {
		err = fmt.Errorf("file has not ended after %d bytes", limit)
	}
	if closeErr := rc.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close: %w", closeErr)
	}
	if err != nil {
		return b, fmt.Errorf("read %v: %w", f, err)
	}
	return b, nil
}

// holds checks that the whole file is want.
func (e *env) holds(ctx context.Context, f file, want []byte) error {
	got, err := e.read(ctx, f, 0, 0)
	if err != nil {
		return err
	}
	return sameBytes(f.String(), got, want)
}

// missing checks that the file can neither be opened nor listed.
func (e *env) missing(ctx context.Context, f file) error {
	rc, err := e.client.OpenLTXFile(ctx, f.level, f.min, f.max, 0, 0)
	if err == nil {
		got, _ := io.ReadAll(rc)
		_ = rc.Close()
		return fmt.Errorf("%v can be opened and has %d bytes: want no such file", f, len(got))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open %v: %w: want fs.ErrNotExist", f, err)
	}
	infos, err := e.list(ctx, f.level, 0, false)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if fileOf(info) == f {
			return fmt.Errorf("%v is listed: want no such file", f)
		}
	}
	return nil
}

// stays checks that the content of the file is old, or that it is missing if old is nil.
func (e *env) stays(ctx context.Context, f file, old []byte) error {
	if old == nil {
		return e.missing(ctx, f)
	}
	return e.holds(ctx, f, old)
}

// list returns a level's files and checks the listing according to L1, L2 and L5.
func (e *env) list(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) ([]*ltx.FileInfo, error) {
	itr, err := e.client.LTXFiles(ctx, level, seek, useMetadata)
	if err != nil {
		return nil, fmt.Errorf("list level %d: %w", level, err)
	}
	var infos []*ltx.FileInfo
	for itr.Next() {
		info := itr.Item()
		switch {
		case info == nil:
			_ = itr.Close()
			return infos, fmt.Errorf("list level %d: Next is true and Item is nil", level)
		case info.Level != level:
			_ = itr.Close()
			return infos, fmt.Errorf("list level %d: %v is of another level or before seek", level, fileOf(info))
		case info.CreatedAt.IsZero():
			_ = itr.Close()
			return infos, fmt.Errorf("list level %d: %v has no CreatedAt", level, fileOf(info))
		}
		infos = append(infos, info)
	}
	err = itr.Err()
	if closeErr := itr.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close: %w", closeErr)
	}
	if err != nil {
		return infos, fmt.Errorf("list level %d: %w", level, err)
	}
	return infos, nil
}

// lists checks that a listing is exactly want, in that order.
func (e *env) lists(ctx context.Context, level int, seek ltx.TXID, want ...file) error {
	infos, err := e.list(ctx, level, seek, false)
	if err != nil {
		return err
	}
	return sameFiles(fmt.Sprintf("listing of level %d from %s", level, seek), infos, want)
}

func sameFiles(what string, infos []*ltx.FileInfo, want []file) error {
	for i := range max(len(infos), len(want)) {
		switch {
		case i >= len(infos):
			return fmt.Errorf("%s has %d files: want %d; the first missing is %v", what, len(infos), len(want), want[i])
		case i >= len(want):
			return fmt.Errorf("%s has %d files: want %d; the first unexpected is %v", what, len(infos), len(want), fileOf(infos[i]))
		case fileOf(infos[i]) != want[i]:
			return fmt.Errorf("%s has %v as number %d: want %v", what, fileOf(infos[i]), i+1, want[i])
		}
	}
	return nil
}

func sameBytes(what string, got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	return fmt.Errorf("%s has %d bytes: want %d; the first difference is at %d", what, len(got), len(want), i)
}

// is checks that an error is of one kind and of no other.
func is(what string, err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: error is %q: want one that matches %q", what, fmt.Sprint(err), want)
	}
	kinds := []error{ltxstore.ErrStoreNotFound, ltxstore.ErrThrottled, ltxstore.ErrUnavailable, ltxstore.ErrChecksum,
		fs.ErrInvalid, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, errors.ErrUnsupported}
	if slices.Contains(kinds, want) {
		for _, kind := range kinds {
			if kind != want && errors.Is(err, kind) {
				return fmt.Errorf("%s: error %q matches both %q and %q: want one kind", what, fmt.Sprint(err), want, kind)
			}
		}
	}
	return nil
}

// parallel calls f for 0 to n-1, eight at a time, and joins the errors.
func parallel(n int, f func(i int) error) error {
	const workers = 8
	next, errs := make(chan int), make(chan error, workers)
	for range workers {
		go func() {
			var failed []error
			for i := range next {
				if err := caught(func() error { return f(i) }); err != nil && len(failed) < 3 {
					failed = append(failed, err)
				}
			}
			errs <- errors.Join(failed...)
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	var all []error
	for range workers {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// promptly checks that f, whose context has ended or is about to end, returns
// within Config.Prompt.
func (e *env) promptly(what string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- caught(f) }()
	timer := time.NewTimer(e.Prompt)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%s did not return within %v of the end of its context", what, e.Prompt)
	}
}

// reopen returns an env with a further client, which done closes.
func (e *env) reopen(open func() (ltxstore.ReplicaClient, error)) (other *env, done func(), err error) {
	client, err := open()
	if err != nil {
		return nil, nil, fmt.Errorf("open a further client: %w", err)
	}
	return e.on(client), func() { _ = ltxstore.Close(client) }, nil
}

// first runs steps in order until one fails, and returns its error.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
