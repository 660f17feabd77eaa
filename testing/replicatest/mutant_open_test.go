package replicatest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
)

func openMutants() []mutant {
	return []mutant{
		{name: "ignores the size", fails: []string{
			"open/partial-read", "open/ranges", "open/negative-ranges", "open/reader-behaves",
			"open/broken-transfer", "all/mixed-operations"},
			damage: onRange(func(offset, _ int64) (int64, int64) { return offset, 0 })},
		{name: "ignores the offset", fails: []string{
			"open/partial-read", "open/ranges", "open/largest-sizes", "open/reader-behaves", "open/broken-transfer",
			"all/mixed-operations"},
			damage: onRange(func(offset, size int64) (int64, int64) { return min(offset, 0), size })},
		{name: "reads one byte more than the size", fails: []string{
			"open/partial-read", "open/ranges", "open/reader-behaves", "open/broken-transfer",
			"all/mixed-operations"},
			damage: onRange(func(offset, size int64) (int64, int64) {
				if size > 0 {
					size = max(size, size+1)
				}
				return offset, size
			})},
		{name: "takes a range whose end overflows for none", fails: []string{"open/ranges", "open/largest-sizes"},
			damage: onRange(func(offset, size int64) (int64, int64) {
				if offset > 0 && offset+size < 0 {
					return 0, 0
				}
				return offset, size
			})},
		{name: "takes a negative range for none", fails: []string{"open/negative-ranges"},
			damage: onRange(func(offset, size int64) (int64, int64) { return max(offset, 0), max(size, 0) })},
		{name: "has an error for an offset past the end", fails: []string{"open/ranges", "open/reader-behaves"},
			damage: onOpen(func(c *client, open openFunc) openFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
					if o, ok := c.world.bucket.Get(c.keys.File(max(level, 0), minTXID, maxTXID)); ok && len(o.Body) > 0 && offset >= int64(len(o.Body)) {
						return nil, errors.New("416 Requested Range Not Satisfiable")
					}
					return open(ctx, level, minTXID, maxTXID, offset, size)
				}
			})},
		{name: "opens torn uploads", fails: []string{"open/torn-upload"},
			damage: onOpen(func(c *client, open openFunc) openFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
					if o, ok := c.world.bucket.Get(c.keys.File(max(level, 0), minTXID, maxTXID)); ok && len(o.Body) == 0 {
						return io.NopCloser(bytes.NewReader(nil)), nil
					}
					return open(ctx, level, minTXID, maxTXID, offset, size)
				}
			})},
		{name: "does not map a missing file", fails: []string{"write/size-shrinks", "write/size-grows", "write/reader-outlives-context", "open/torn-upload",
			"write/invisible-until-done", "write/empty", "write/header-of-another-file", "write/broken-header",
			"write/*-before-header", "write/*-in-header", "write/*-after-header", "write/*-in-the-middle",
			"write/*-on-last-byte", "write/plain-reader-fails", "write/reader-panics", "open/missing", "delete/some",
			"delete-all/everything", "all/mixed-operations", "all/several-clients", "all/context-done",
			"all/no-goroutine-leaks"},
			damage: onOpenError(func(_ *client, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return errors.New("404 Not Found")
				}
				return err
			})},
		{name: "has errors of two kinds", fails: []string{"open/missing", "open/torn-upload"},
			damage: onOpenError(func(_ *client, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return errors.Join(err, fs.ErrPermission)
				}
				return err
			})},
		{name: "does not say which file is missing", fails: []string{"open/missing"},
			damage: onOpenError(func(_ *client, err error) error {
				if errors.Is(err, fs.ErrNotExist) {
					return fs.ErrNotExist
				}
				return err
			})},
		{name: "takes a missing store for a missing file", fails: []string{"open/missing-store"},
			damage: onOpenError(func(c *client, err error) error {
				if errors.Is(err, ltxstore.ErrStoreNotFound) {
					return &ltxstore.Error{Op: "open", Backend: c.Type(), Kind: fs.ErrNotExist}
				}
				return err
			})},
		{name: "takes an outage for a missing file", fails: []string{"write/store-fails"},
			damage: onOpenError(func(c *client, err error) error {
				if errors.Is(err, mockstore.ErrBroken) {
					return &ltxstore.Error{Op: "open", Backend: c.Type(), Kind: fs.ErrNotExist}
				}
				return err
			})},
		{name: "takes a broken transfer for the end", fails: []string{"open/broken-transfer", "open/no-progress"},
			damage: func(c *client) { c.shortSuccess = true }},
		{name: "gives up after three transfers in all", fails: []string{"open/broken-transfer"},
			damage: func(c *client) { c.transfers = 3 }},
		{name: "resumes from the start", fails: []string{"open/broken-transfer"},
			damage: func(c *client) { c.fromStart = true }},
		{name: "does not interrupt a read", fails: []string{"open/cancelled-while-blocked"},
			damage: func(c *client) { c.deaf = true }},
		{name: "reads on when the context has ended", fails: []string{"open/cancelled"},
			damage: onOpen(func(_ *client, open openFunc) openFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
					if err := ctx.Err(); err != nil {
						return nil, err
					}
					return open(context.WithoutCancel(ctx), level, minTXID, maxTXID, offset, size)
				}
			})},
		{name: "mixes versions in one reader", fails: []string{"open/one-version"}, chance: []string{"rewrite/many-writers"},
			damage: onOpen(func(_ *client, open openFunc) openFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
					rc, err := open(ctx, level, minTXID, maxTXID, offset, size)
					if err != nil || size > 0 {
						return rc, err
					}
					return &fickle{ReadCloser: rc, at: offset, open: func(at int64) (io.ReadCloser, error) {
						return open(ctx, level, minTXID, maxTXID, at, 0)
					}}, nil
				}
			})},
		{name: "ends early when the file is deleted", fails: []string{"open/deleted-meanwhile"},
			damage: onReadCloser(func(c *client, key string, rc io.ReadCloser) io.ReadCloser {
				return &readCloser{ReadCloser: rc, read: func(p []byte) (int, error) {
					if !slices.Contains(c.world.bucket.Keys(), key) {
						return 0, io.EOF
					}
					return rc.Read(p)
				}}
			})},
		{name: "fails a second Close", fails: []string{"open/close-at-any-time"},
			damage: onReadCloser(func(_ *client, _ string, rc io.ReadCloser) io.ReadCloser {
				closed := false
				return &readCloser{ReadCloser: rc, read: rc.Read, close: func() error {
					if closed {
						return fs.ErrClosed
					}
					closed = true
					return rc.Close()
				}}
			})},
		{name: "reads nothing and no error after Close", fails: []string{"open/close-at-any-time"},
			damage: onReadCloser(func(_ *client, _ string, rc io.ReadCloser) io.ReadCloser {
				var closed atomic.Bool
				return &readCloser{rc, func(p []byte) (int, error) {
					if closed.Load() {
						return 0, nil
					}
					return rc.Read(p)
				}, func() error {
					closed.Store(true)
					return rc.Close()
				}}
			})},
		{name: "reads on after Close", fails: []string{"open/close-at-any-time"},
			damage: onReadCloser(func(_ *client, _ string, rc io.ReadCloser) io.ReadCloser {
				return &readCloser{ReadCloser: rc, read: rc.Read, close: func() error { return nil }}
			})},
		{name: "ends with io.EOF once only", fails: []string{"open/reader-behaves"},
			damage: onReadCloser(func(_ *client, _ string, rc io.ReadCloser) io.ReadCloser {
				ended := false
				return &readCloser{ReadCloser: rc, read: func(p []byte) (int, error) {
					if ended {
						return 0, errors.New("read after the end")
					}
					n, err := rc.Read(p)
					ended = err == io.EOF
					return n, err
				}}
			})},
	}
}

// onRange changes what is asked for.
func onRange(change func(offset, size int64) (int64, int64)) func(*client) {
	return onOpen(func(_ *client, open openFunc) openFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			offset, size = change(offset, size)
			return open(ctx, level, minTXID, maxTXID, offset, size)
		}
	})
}

func onOpenError(change func(c *client, err error) error) func(*client) {
	return onOpen(func(c *client, open openFunc) openFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			rc, err := open(ctx, level, minTXID, maxTXID, offset, size)
			if err != nil {
				return nil, change(c, err)
			}
			return rc, nil
		}
	})
}

func onReadCloser(change func(c *client, key string, rc io.ReadCloser) io.ReadCloser) func(*client) {
	return onOpen(func(c *client, open openFunc) openFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			rc, err := open(ctx, level, minTXID, maxTXID, offset, size)
			if err != nil {
				return nil, err
			}
			return change(c, c.keys.File(level, minTXID, maxTXID), rc), nil
		}
	})
}

type readCloser struct {
	io.ReadCloser
	read  func(p []byte) (int, error)
	close func() error
}

func (r *readCloser) Read(p []byte) (int, error) { return r.read(p) }

func (r *readCloser) Close() error {
	if r.close != nil {
		return r.close()
	}
	return r.ReadCloser.Close()
}

// fickle asks anew for each read, and takes what is there then.
type fickle struct {
	io.ReadCloser
	at   int64
	open func(at int64) (io.ReadCloser, error)
	done bool
}

func (f *fickle) Read(p []byte) (int, error) {
	if f.done {
		return 0, fs.ErrClosed
	}
	rc, err := f.open(f.at)
	if err != nil {
		return 0, err
	}
	defer rc.Close()
	n, err := rc.Read(p)
	f.at += int64(n)
	return n, err
}

func (f *fickle) Close() error {
	f.done = true
	return f.ReadCloser.Close()
}
