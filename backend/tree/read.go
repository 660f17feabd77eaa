package tree

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// OpenLTXFile implements ltxstore.ReplicaClient. It costs one Open, and one more each time
// the transfer is resumed. A broken transfer is resumed with the version with which it
// started; if the store provides none, it is not resumed. If the file is replaced in the
// meantime, the read fails with an error that is not retryable; if it is deleted, with
// fs.ErrNotExist.
//
// Anything that LTXFiles does not list is fs.ErrNotExist: a zero-byte file (a torn
// upload), a directory, a symbolic link.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, c.refuse("open", err)
	}
	if err := rangeio.Check(offset, size); err != nil {
		return nil, c.refuse("open", err)
	}
	r, err := c.init(ctx, "open")
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "open",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelDebug})
	key := r.Keys.File(level, minTXID, maxTXID)
	body, err := r.open(ctx, key, Read, offset, size)
	err = r.wrap("open", key, flow.Ended(ctx, err))
	op.End(err)
	if err != nil || r.Disk != nil {
		return body, err
	}
	return rangeio.WrapErrors(body, func(err error) error { return r.wrap("read", key, err) }), nil
}

// open returns the reader of a file's range. Its errors are not wrapped.
func (r *replica) open(ctx context.Context, key string, use Use, offset, size int64) (io.ReadCloser, error) {
	at, name := split(key)
	dir, err := r.openDir(ctx, at, use)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return r.openIn(ctx, dir, name, offset, size)
}

func (r *replica) openIn(ctx context.Context, dir Dir, name string, offset, size int64) (io.ReadCloser, error) {
	if r.Disk != nil {
		c, err := openFile(ctx, dir, name, OpenOptions{Offset: offset, Size: size})
		return c.Body, err
	}
	bodyCtx, cancel := context.WithCancel(ctx)
	var c Content
	err := r.do(bodyCtx, func(ctx context.Context) (err error) {
		c, err = openFile(ctx, dir, name, OpenOptions{Offset: offset, Size: size})
		return err
	})
	if err != nil {
		cancel()
		return nil, err
	}
	_, n := rangeio.Clamp(offset, size, c.Size)
	cfg := rangeio.Config{
		Body:        c.Body,
		Cancel:      cancel,
		Offset:      offset,
		Size:        n,
		IdleTimeout: r.IdleTimeout,
		Open: func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			now, err := dir.Open(ctx, name, OpenOptions{Offset: offset, Size: length, Version: c.Version})
			switch {
			case err != nil:
				return nil, err
			case now.Size != c.Size:
				now.Body.Close()
				return nil, fmt.Errorf("%w: it has %d bytes now, and had %d", ErrReplaced, now.Size, c.Size)
			}
			return now.Body, nil
		},
	}
	if c.Version != "" {
		cfg.Retry = r.policy
	}
	return rangeio.NewReader(ctx, cfg), nil
}

// errTorn is the error of a zero-byte file, which counts as missing as in LTXFiles.
var errTorn = fmt.Errorf("the file is empty (a torn upload): %w", fs.ErrNotExist)

// openFile opens a file that is not empty.
func openFile(ctx context.Context, dir Dir, name string, opts OpenOptions) (Content, error) {
	c, err := dir.Open(ctx, name, opts)
	if err == nil && c.Size == 0 {
		c.Body.Close()
		return Content{}, errTorn
	}
	return c, err
}
