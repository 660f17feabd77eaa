package replicatest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
	"github.com/ltxstore/ltxstore/mock"
)

func failureMutants() []mutant {
	return []mutant{
		{name: "commits what it has when the reader fails", fails: []string{
			"write/size-*", "write/reader-fails-in-header*", "write/reader-fails-after-header*", "write/reader-fails-in-the-middle*", "write/reader-fails-on-last-byte*",
			"write/plain-reader-fails", "write/no-leftovers"},
			damage: onFailedReader(func(c *client, f failedWrite) {
				if f.ctx.Err() == nil && len(f.read) > 0 {
					f.commit(c)
				}
			})},
		{name: "commits what it has when the context ends", fails: []string{"write/cancelled-*", "write/reader-outlives-context*", "write/no-leftovers"},
			damage: onFailedReader(func(c *client, f failedWrite) {
				if f.ctx.Err() != nil && len(f.read) > 0 {
					f.commit(c)
				}
			})},
		{name: "makes an error of the reader's panic", fails: []string{"write/reader-panics*"},
			damage: onPanic(func(*client, string) error { return errors.New("upload failed") })},
		{name: "publishes what came before the reader's panic", fails: []string{"write/reader-panics*"},
			damage: onPanic(func(c *client, key string) error {
				c.world.bucket.Put(key, mock.Object{Body: []byte("half")})
				return nil
			})},
		{name: "leaves a temporary file when the reader panics", fails: []string{"write/reader-panics-no-leftovers"},
			damage: onPanic(func(c *client, key string) error {
				c.world.bucket.Put(key+".tmp", mock.Object{Body: []byte("half")})
				return nil
			})},
		{name: "leaves an unfinished upload", fails: []string{"write/no-leftovers"},
			damage: onFailedReader(func(c *client, f failedWrite) {
				c.world.bucket.AddLeftover(f.key)
			})},
		{name: "leaves a temporary file", fails: []string{"write/no-leftovers", "delete-all/directories"},
			damage: onFailedReader(func(c *client, f failedWrite) {
				c.world.bucket.Put(f.key+".tmp", mock.Object{Body: []byte("half")})
			})},
		{name: "reads on after the reader has failed", fails: []string{"write/reader-fails-*"},
			damage: onFailedReader(func(_ *client, f failedWrite) {
				if f.ctx.Err() == nil {
					_, _ = f.r.Read(make([]byte, 1))
				}
			})},
		{name: "loses the reader's error", fails: []string{
			"write/size-*", "write/reader-fails-*", "write/plain-reader-fails", "write/no-leftovers", "delete-all/directories",
			"all/no-goroutine-leaks", "write/reader-outlives-context*"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					k := &keeper{r: r}
					info, err := write(ctx, level, minTXID, maxTXID, k)
					if k.err != nil {
						err = errors.New("upload failed")
					}
					return info, err
				}
			})},
		{name: "deletes the older file first", fails: []string{"write/*-over-older", "rewrite/old-until-replaced"}, chance: []string{"rewrite/many-writers"},
			damage: onWrite(func(c *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if !c.cfg.WriteOnce && ctx.Err() == nil {
						c.world.bucket.Delete(c.keys.File(level, minTXID, maxTXID))
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "writes in place", fails: []string{"write/invisible-until-done", "write/reader-panics*", "rewrite/old-until-replaced"}, chance: []string{"rewrite/many-writers"},
			damage: onWrite(writesInPlace)},
		{name: "takes a file of the same size for its own", fails: []string{"rewrite/upload-removed"}, chance: []string{"rewrite/many-writers"},
			damage: onWrite(func(c *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					key := c.keys.File(level, minTXID, maxTXID)
					before, _ := c.world.bucket.Get(key)
					k := &checked{r: r, atEnd: func(size int) error {
						now, ok := c.world.bucket.Get(key)
						if !c.cfg.WriteOnce && ok && len(now.Body) == size && !now.ModTime.Equal(before.ModTime) {
							return errOwn
						}
						return nil
					}}
					info, err := write(ctx, level, minTXID, maxTXID, k)
					if errors.Is(err, errOwn) {
						return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: int64(k.n), CreatedAt: time.Now()}, nil
					}
					return info, err
				}
			})},
		{name: "ignores the context when it writes", fails: []string{
			"write/reader-outlives-context*", "write/cancelled-before-header*", "write/cancelled-in-header*", "write/cancelled-after-header*", "write/cancelled-in-the-middle*",
			"write/no-leftovers", "all/context-done", "all/deadline", "all/no-goroutine-leaks"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					return write(context.WithoutCancel(ctx), level, minTXID, maxTXID, r)
				}
			})},
		{name: "looks at the context at the end of the body only", fails: []string{"write/cancelled-before-header*", "write/cancelled-in-header*", "write/cancelled-after-header*", "write/cancelled-in-the-middle*", "write/reader-outlives-context*"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					var body bytes.Buffer
					if !sound(ctx, level, minTXID, maxTXID) {
						return write(ctx, level, minTXID, maxTXID, r)
					}
					if _, err := body.ReadFrom(r); err != nil {
						return nil, err
					}
					return write(ctx, level, minTXID, maxTXID, &body)
				}
			})},
		{name: "reports an outage as success", fails: []string{"write/store-fails"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if errors.Is(err, mockstore.ErrBroken) {
						return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: 1, CreatedAt: time.Now()}, nil
					}
					return info, err
				}
			})},
	}
}

// failedWrite is a write whose reader, or context, has failed it.
type failedWrite struct {
	ctx  context.Context
	key  string
	r    io.Reader
	read []byte
}

// commit publishes what was read.
func (f failedWrite) commit(c *client) {
	c.world.bucket.Put(f.key, mock.Object{Body: f.read})
}

func onFailedReader(then func(c *client, f failedWrite)) func(*client) {
	return onWrite(func(c *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			var read bytes.Buffer
			k := &keeper{r: r}
			started := sound(ctx, level, minTXID, maxTXID)
			info, err := write(ctx, level, minTXID, maxTXID, io.TeeReader(k, &read))
			if started && err != nil && (k.err != nil || ctx.Err() != nil) {
				then(c, failedWrite{ctx, c.keys.File(level, minTXID, maxTXID), r, slices.Clone(read.Bytes())})
			}
			return info, err
		}
	})
}

// onPanic calls then where the reader panics, and panics on if that returns nil.
func onPanic(then func(c *client, key string) error) func(*client) {
	return onWrite(func(c *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (info *ltx.FileInfo, err error) {
			defer func() {
				if value := recover(); value != nil {
					if err = then(c, c.keys.File(level, minTXID, maxTXID)); err == nil {
						panic(value)
					}
				}
			}()
			return write(ctx, level, minTXID, maxTXID, r)
		}
	})
}

var errOwn = errors.New("a file of this size is there")

// checked calls atEnd, with the body's size, at its end.
type checked struct {
	r     io.Reader
	n     int
	atEnd func(size int) error
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	if err == io.EOF {
		if own := c.atEnd(c.n); own != nil {
			err = own
		}
	}
	return n, err
}

// keeper remembers its reader's failure.
type keeper struct {
	r   io.Reader
	err error
}

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}

// writesInPlace shows what was written so far, and takes it back on failure.
func writesInPlace(c *client, write writeFunc) writeFunc {
	if c.cfg.WriteOnce {
		return write
	}
	var names sync.Map
	return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		key := c.keys.File(level, minTXID, maxTXID)
		if !sound(ctx, level, minTXID, maxTXID) {
			return write(ctx, level, minTXID, maxTXID, r)
		}
		lock, _ := names.LoadOrStore(key, &sync.Mutex{}) // of two writers the second waits
		lock.(*sync.Mutex).Lock()
		defer lock.(*sync.Mutex).Unlock()
		before, replaces := c.world.bucket.Get(key)
		var so bytes.Buffer
		show := writerFunc(func(p []byte) (int, error) {
			so.Write(p)
			c.world.bucket.Put(key, mock.Object{Body: so.Bytes()})
			return len(p), nil
		})
		info, err := write(ctx, level, minTXID, maxTXID, io.TeeReader(r, show))
		switch {
		case err != nil && replaces:
			c.world.bucket.Put(key, before)
		case err != nil:
			c.world.bucket.Delete(key)
		}
		return info, err
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
