package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func rawCases() []Case {
	needs := []Capability{RawAccess, RawFiles}
	return []Case{
		{ID: "raw/listed", Clauses: []string{"O6"}, Needs: needs,
			Rule: "ListRaw visits every file and folder directly below a folder, once, with size and time, over several pages.", run: rawListed},
		{ID: "raw/opened", Clauses: []string{"O6"}, Needs: needs,
			Rule: "OpenRaw returns the file's bytes, or a range of them.", run: rawOpened},
		{ID: "raw/refused", Clauses: []string{"O6"}, Needs: needs,
			Rule: "A missing file is fs.ErrNotExist, a path outside of the replica's is fs.ErrInvalid, and both methods return the error of a context that is done.", run: rawRefused},
	}
}

// raw is the client as a reader of raw files.
func (e *env) raw() (backend.RawLister, backend.RawOpener) {
	lister, _ := ltxstore.As[backend.RawLister](e.client)
	opener, _ := ltxstore.As[backend.RawOpener](e.client)
	return lister, opener
}

// rawFolder is a folder in which Litestream v0.3 stores its segments.
const rawFolder = "generations/0123456789abcdef/wal"

func rawListed(ctx context.Context, e *env) error {
	lister, _ := e.raw()
	visited := make(map[string]backend.RawFile)
	list := func(dir string) error {
		clear(visited)
		return lister.ListRaw(ctx, dir, func(f backend.RawFile) error {
			if _, twice := visited[f.Name]; twice {
				return fmt.Errorf("%s in %s is visited twice", f.Name, dir)
			}
			visited[f.Name] = f
			return nil
		})
	}
	if err := list(rawFolder); err != nil || len(visited) > 0 {
		return fmt.Errorf("a missing folder has %d entries and error %v: want none", len(visited), err)
	}
	var names []string
	sizes := make(map[string]int)
	for i := range e.PageSize*5/2 + 1 {
		names = append(names, fmt.Sprintf("%08x_%08x.wal.lz4", i/3, i%3))
		sizes[names[i]] = 1 + i%5
	}
	err := parallel(len(names), func(i int) error {
		return e.Raw.Put(ctx, path.Join(rawFolder, names[i]), bytes.Repeat([]byte("x"), sizes[names[i]]))
	})
	if err != nil {
		return fmt.Errorf("put: %w", err)
	}
	for _, other := range []string{rawFolder + "2/foreign", "generations2/foreign", rawFolder + "/deeper/foreign"} {
		if err := e.Raw.Put(ctx, other, []byte("x")); err != nil {
			return fmt.Errorf("put: %w", err)
		}
	}
	if err := list(rawFolder); err != nil {
		return err
	}
	first := maps.Clone(visited)
	if err := list("generations"); err != nil {
		return err
	}
	visited = first // names remain valid, whatever is listed after them
	for name, size := range sizes {
		if f, ok := visited[name]; !ok || f.Folder || f.Size != int64(size) || f.Modified.IsZero() {
			return fmt.Errorf("%s of %d bytes is listed as %+v (%t): want its size and time", name, size, f, ok)
		}
	}
	if !visited["deeper"].Folder || len(visited) != len(sizes)+1 {
		return fmt.Errorf("%d entries, and deeper is %+v: want %d files and a folder", len(visited), visited["deeper"], len(sizes))
	}
	if err := list("."); err != nil {
		return err
	}
	if len(visited) != 2 || !visited["generations"].Folder || !visited["generations2"].Folder {
		return fmt.Errorf("the replica's path has %v: want two folders", visited)
	}
	refused := errors.New("refused")
	if err := lister.ListRaw(ctx, rawFolder, func(backend.RawFile) error { return refused }); !errors.Is(err, refused) {
		return fmt.Errorf("error is %v: want %v, the error of visit", err, refused)
	}
	return nil
}

func rawOpened(ctx context.Context, e *env) error {
	_, opener := e.raw()
	name, body := rawFolder+"/00000000_00000000.wal.lz4", plain(3, 1000)
	if err := e.Raw.Put(ctx, name, body); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	for _, r := range []struct{ offset, size, from, to int64 }{
		{0, 0, 0, 1000}, {100, 50, 100, 150}, {990, 0, 990, 1000}, {990, 100, 990, 1000}, {1000, 0, 0, 0}, {2000, 5, 0, 0}, {1, math.MaxInt64, 1, 1000},
	} {
		rc, err := opener.OpenRaw(ctx, name, r.offset, r.size)
		if err != nil {
			return fmt.Errorf("open %d bytes from %d: %w", r.size, r.offset, err)
		}
		got, err := io.ReadAll(rc)
		if err = errors.Join(err, rc.Close()); err != nil {
			return fmt.Errorf("read %d bytes from %d: %w", r.size, r.offset, err)
		}
		if err := sameBytes(fmt.Sprintf("%d bytes from %d", r.size, r.offset), got, body[r.from:r.to]); err != nil {
			return err
		}
	}
	return nil
}

func rawRefused(ctx context.Context, e *env) error {
	lister, opener := e.raw()
	nothing := func(backend.RawFile) error { return nil }
	if err := e.Raw.Put(ctx, rawFolder+"/there", []byte("x")); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	for _, missing := range []string{rawFolder + "/missing", "missing/file", rawFolder} {
		if rc, err := opener.OpenRaw(ctx, missing, 0, 0); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open %s, which is not a file: %v, %w: want fs.ErrNotExist", missing, rc, err)
		}
	}
	for _, bad := range []string{"", "/", "../db", "generations/../../db", "/generations", "generations/", "a//b"} {
		if _, err := opener.OpenRaw(ctx, bad, 0, 0); !errors.Is(err, fs.ErrInvalid) {
			return fmt.Errorf("open %q: %w: want fs.ErrInvalid", bad, err)
		}
		if err := lister.ListRaw(ctx, bad, nothing); !errors.Is(err, fs.ErrInvalid) {
			return fmt.Errorf("list %q: %w: want fs.ErrInvalid", bad, err)
		}
	}
	for _, r := range []struct{ offset, size int64 }{{-1, 0}, {0, -1}} {
		if _, err := opener.OpenRaw(ctx, rawFolder+"/there", r.offset, r.size); !errors.Is(err, fs.ErrInvalid) {
			return fmt.Errorf("open %d bytes from %d: %w: want fs.ErrInvalid", r.size, r.offset, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := lister.ListRaw(ended, rawFolder, nothing); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("list with a context that is done: %w: want %w", err, context.Canceled)
	}
	if _, err := opener.OpenRaw(ended, rawFolder+"/there", 0, 0); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("open with a context that is done: %w: want %w", err, context.Canceled)
	}
	return nil
}
