package replicatest_test

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"time"
	"unsafe"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func rawMutants() []mutant {
	type listFunc = func(context.Context, string, func(backend.RawFile) error) error
	type openFunc = func(context.Context, string, int64, int64) (io.ReadCloser, error)
	wrap := func(list func(listFunc) listFunc, open func(openFunc) openFunc) func(*client) ltxstore.ReplicaClient {
		return func(c *client) ltxstore.ReplicaClient {
			r := &rawReader{client: c, list: c.ListRaw, open: c.OpenRaw}
			if list != nil {
				r.list = list(r.list)
			}
			if open != nil {
				r.open = open(r.open)
			}
			return r
		}
	}
	change := func(change func(*backend.RawFile)) func(*client) ltxstore.ReplicaClient {
		return wrap(func(list listFunc) listFunc {
			return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
				return list(ctx, dir, func(f backend.RawFile) error {
					change(&f)
					return visit(f)
				})
			}
		}, nil)
	}
	return []mutant{
		{name: "lists raw files without a time", fails: []string{"raw/listed"},
			wrap: change(func(f *backend.RawFile) { f.Modified = time.Time{} })},
		{name: "lists raw files without their size", fails: []string{"raw/listed"},
			wrap: change(func(f *backend.RawFile) { f.Size = min(f.Size, 1) })},
		{name: "lists raw files as folders", fails: []string{"raw/listed"},
			wrap: change(func(f *backend.RawFile) { f.Folder = true })},
		{name: "lists the first page of raw files", fails: []string{"raw/listed"},
			wrap: wrap(func(list listFunc) listFunc {
				return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
					n := 0
					return list(ctx, dir, func(f backend.RawFile) error {
						if n++; n > testPageSize {
							return nil
						}
						return visit(f)
					})
				}
			}, nil)},
		{name: "hides raw folders", fails: []string{"raw/listed"},
			wrap: wrap(func(list listFunc) listFunc {
				return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
					return list(ctx, dir, func(f backend.RawFile) error {
						if f.Folder {
							return nil
						}
						return visit(f)
					})
				}
			}, nil)},
		{name: "reads names of raw files into one buffer", fails: []string{"raw/listed"},
			wrap: wrap(func(list listFunc) listFunc {
				var buf [64]byte
				return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
					at := 0
					return list(ctx, dir, func(f backend.RawFile) error {
						if at+len(f.Name) > len(buf) {
							at = 0
						}
						copy(buf[at:], f.Name)
						f.Name = unsafe.String(&buf[at], len(f.Name))
						at += len(f.Name)
						return visit(f)
					})
				}
			}, nil)},
		{name: "lists a folder at the replica's path as a file", fails: []string{"raw/listed"},
			wrap: change(func(f *backend.RawFile) { f.Folder = f.Folder && f.Name != "generations2" })},
		{name: "lists the folder of generations as a file", fails: []string{"raw/listed"},
			wrap: change(func(f *backend.RawFile) { f.Folder = f.Folder && f.Name != "generations" })},
		{name: "lists the replica's path in itself", fails: []string{"raw/listed"},
			wrap: wrap(func(list listFunc) listFunc {
				return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
					err := list(ctx, dir, visit)
					if dir == "." && err == nil {
						err = visit(backend.RawFile{Name: "db", Folder: true})
					}
					return err
				}
			}, nil)},
		{name: "goes on after visit has failed", fails: []string{"raw/listed"},
			wrap: wrap(func(list listFunc) listFunc {
				return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
					return list(ctx, dir, func(f backend.RawFile) error { _ = visit(f); return nil })
				}
			}, nil)},
		{name: "reads a raw file from its beginning", fails: []string{"raw/opened"},
			wrap: wrap(nil, func(open openFunc) openFunc {
				return func(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
					return open(ctx, name, min(offset, 0), size)
				}
			})},
		{name: "ignores the size of a raw range", fails: []string{"raw/opened"},
			wrap: wrap(nil, func(open openFunc) openFunc {
				return func(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
					return open(ctx, name, offset, min(size, 0))
				}
			})},
		{name: "opens raw files outside the replica", fails: []string{"raw/refused"},
			wrap: wrap(nil, func(open openFunc) openFunc {
				return func(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
					if strings.Contains(name, "..") {
						return io.NopCloser(strings.NewReader("")), nil
					}
					return open(ctx, name, offset, size)
				}
			})},
		{name: "does not say that a raw file is missing", fails: []string{"raw/refused"},
			wrap: wrap(nil, func(open openFunc) openFunc {
				return func(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
					rc, err := open(ctx, name, offset, size)
					if err != nil && fs.ValidPath(name) && ctx.Err() == nil {
						return io.NopCloser(strings.NewReader("")), nil
					}
					return rc, err
				}
			})},
		{name: "lists raw files under a dead context", fails: []string{"raw/refused"},
			wrap: wrap(func(list listFunc) listFunc {
				return func(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
					return list(context.WithoutCancel(ctx), dir, visit)
				}
			}, nil)},
	}
}

// rawReader reads raw files in another way.
type rawReader struct {
	*client
	list func(context.Context, string, func(backend.RawFile) error) error
	open func(context.Context, string, int64, int64) (io.ReadCloser, error)
}

func (r *rawReader) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	return r.list(ctx, dir, visit)
}

func (r *rawReader) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	return r.open(ctx, name, offset, size)
}
