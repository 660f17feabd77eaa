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

// OpenLTXFile implements ltxstore.ReplicaClient. It costs one request, and one
// more for each time the transfer is resumed. One is added where the answer
// does not tell the object's size, which also tells a range past the end from
// one that a server refuses for no reason. Of what is longer than two ranges of
// Store.ReadPool, the first request is ended where a later range begins, and
// each range costs one request.
//
// A broken transfer is resumed under the version that it began with; where the
// store gives none it is not resumed: a time of one second's precision and a
// size do not tell two versions apart. A file that is replaced meanwhile ends
// the read with an error that is not retryable; one that is deleted, with
// fs.ErrNotExist.
//
// Where a store answers a range with the whole object, what precedes the range
// is skipped, if that is at most 64 MiB; else it is errors.ErrUnsupported. A
// zero-byte object, a torn upload, is fs.ErrNotExist, as LTXFiles does not list
// it. A whole file is compared with the store's hash of it, if there is one.
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
	case n <= rangeio.Serial*r.pool.RangeSize(), r.pool.Requests() == 1,
		a.whole, r.noRanges.Load(), // no range would be heeded
		a.Version == "": // the ranges might be of several versions
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

// begin opens a range of whatever version there is, and returns how many bytes
// it means. If these are none, no body is left open. ctx lives as long as the
// body.
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

// pastEnd tells what a refused range means: nil if it is really past the end.
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
		return failed(ltxstore.ErrUnavailable, "store refuses the range from %d of %d bytes: %w", offset, size, refused)
	}
	return nil
}

// transfer returns what a reader needs that resumes a transfer of n bytes of a
// version.
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

// reopen returns a rangeio.Config.Open for ranges of a version. Where the store
// sends the whole object instead, what precedes the range is skipped; with
// partOnly that is refused, because it would be sent once for each part.
func (r *replica) reopen(key string, o Object, partOnly bool) func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		a, err := r.get(ctx, key, offset, length, o.Version)
		switch {
		case err != nil:
			return nil, r.after(err)
		case a.Size != o.Size:
			err = fmt.Errorf("%w: it has %d bytes, had %d", errReplaced, a.Size, o.Size)
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

// errTorn makes a zero-byte object a missing file, as it is for LTXFiles.
var errTorn = fmt.Errorf("the object is empty, a torn upload: %w", fs.ErrNotExist)

// checked compares what is read of a whole object with the store's hash of it.
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
			err = failed(ltxstore.ErrChecksum, "checksum of what was read is %x, the store has %x", got, c.want)
		}
	}
	return n, err
}
