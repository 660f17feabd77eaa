package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// OpenLTXFile implements ltxstore.ReplicaClient. It costs one request, and one more
// each time the transfer is resumed. If the response does not contain the object's
// size, it costs one more, which also distinguishes a range past the end from one that
// a server rejects for another reason. If the transfer is longer than a range of
// Store.ReadPool, each range costs one request, and the first request ends where a
// later range starts.
//
// A broken transfer is resumed with the version with which it started. If the store
// provides none, it is not resumed, because size and time, in whole seconds, do not
// identify a version. If the file is replaced in the meantime, the read fails with an
// error that is not retryable; if it is deleted, with fs.ErrNotExist.
//
// If a store returns the whole object for a range, the bytes before the range are
// skipped, if they are at most 64 MiB; otherwise the error is errors.ErrUnsupported. A
// zero-byte object, left by an incomplete upload, is fs.ErrNotExist, because LTXFiles
// does not list it. When a whole file is read, its hash is compared with that of the
// store, if there is one.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, c.refuse("open", err)
	}
	if err := rangeio.Check(offset, size); err != nil {
		return nil, c.refuse("open", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "open",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelDebug})
	key := r.Keys.File(level, minTXID, maxTXID)
	body, err := r.open(ctx, key, offset, size)
	err = r.wrap("open", key, flow.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	return rangeio.WrapErrors(body, func(err error) error { return r.wrap("read", key, err) }), nil
}

// open returns the reader of a range. Its errors are not wrapped.
func (r *replica) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	bodyCtx, cancel := context.WithCancel(ctx)
	a, n, err := r.begin(bodyCtx, key, offset, size)
	if err != nil || n == 0 {
		cancel()
		if err != nil {
			return nil, err
		}
		return rangeio.NewReader(ctx, r.transfer(key, Object{}, offset, 0)), nil
	}
	start := func(ctx context.Context) io.ReadCloser {
		cfg := r.transfer(key, a.Object, offset, n)
		cfg.Body, cfg.Cancel = a.body, cancel
		return rangeio.NewReader(ctx, cfg)
	}
	var body io.ReadCloser
	switch {
	case n <= r.pool.RangeSize(), r.pool.Requests() == 1,
		a.whole, r.noRanges.Load(), // ranges would be ignored
		a.Version == "": // the ranges might have different versions
		body = start(ctx)
	default:
		body = rangeio.NewParallel(ctx, rangeio.ParallelConfig{
			Body:   start,
			Offset: offset,
			Size:   n,
			Pool:   r.pool,
			Open: func(ctx context.Context, offset, length int64) io.ReadCloser {
				cfg := r.transfer(key, a.Object, offset, length)
				cfg.Open = r.reopen(key, a.Object, true)
				return rangeio.NewReader(ctx, cfg)
			},
		})
	}
	if n == a.Size && a.Sum != nil && r.Traits.NewHash != nil {
		body = &checked{ReadCloser: body, want: a.Sum, hash: r.newHash()}
	}
	return body, nil
}

// begin opens a range of the current version, and returns its number of bytes. If that
// is 0, no body is open. ctx must live as long as the body.
func (r *replica) begin(ctx context.Context, key string, offset, size int64) (a *answer, n int64, err error) {
	err = r.do(ctx, func(ctx context.Context) (err error) {
		a, err = r.get(ctx, key, offset, size, "")
		return err
	})
	switch {
	case r.is(err, ErrRange):
		return nil, 0, r.pastEnd(ctx, key, offset, err)
	case err != nil:
		return nil, 0, err
	}
	if _, n = rangeio.Clamp(offset, size, a.Size); n == 0 {
		a.body.Close()
		if a.Size == 0 {
			return nil, 0, errTorn
		}
	}
	return a, n, nil
}

// pastEnd returns the error for a rejected range: nil if it is really past the end.
func (r *replica) pastEnd(ctx context.Context, key string, offset int64, refused error) error {
	size := r.classify(refused).Size
	if size < 0 {
		now, err := r.head(ctx, key, "")
		if err != nil {
			return err
		}
		size = now.Size
	}
	switch {
	case size == 0:
		return errTorn
	case size > offset:
		return failed(ltxstore.ErrUnavailable, "store rejects the range from %d of %d bytes: %w", offset, size, refused)
	}
	return nil
}

// transfer returns the configuration of a reader that resumes a transfer of n bytes of
// a version.
func (r *replica) transfer(key string, o Object, offset, n int64) rangeio.Config {
	cfg := rangeio.Config{
		Offset:      offset,
		Size:        n,
		IdleTimeout: r.IdleTimeout,
		Open:        r.reopen(key, o, false),
	}
	if o.Version != "" {
		cfg.Retry = r.policy
	}
	return cfg
}

// reopen returns a rangeio.Config.Open for ranges of a version. If the store sends the
// whole object instead, the bytes before the range are skipped; with partOnly that is
// an error, because the object would be sent once for each part.
func (r *replica) reopen(key string, o Object, partOnly bool) func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		a, err := r.get(ctx, key, offset, length, o.Version)
		switch {
		case err != nil:
			return nil, r.after(err)
		case a.Size != o.Size:
			err = fmt.Errorf("%w: it has %d bytes now, and had %d", errReplaced, a.Size, o.Size)
		case a.whole && partOnly:
			r.noRanges.Store(true)
			err = failed(errors.ErrUnsupported, "store ignores ranges")
		default:
			return a.body, nil
		}
		a.body.Close()
		return nil, err
	}
}

// errTorn is the error of a zero-byte object, which counts as missing as in LTXFiles.
var errTorn = fmt.Errorf("the object is empty (a torn upload): %w", fs.ErrNotExist)

// checked is the body of a whole object, whose hash is compared with that of the store.
type checked struct {
	io.ReadCloser
	want []byte
	hash hash.Hash
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.hash.Write(p[:n])
	if err == io.EOF {
		if got := c.hash.Sum(nil); !bytes.Equal(got, c.want) {
			err = failed(ltxstore.ErrChecksum, "content has the checksum %x: want %x, as in the store", got, c.want)
		}
	}
	return n, err
}
