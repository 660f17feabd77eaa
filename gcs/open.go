package gcs

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
	"github.com/ltxstore/ltxstore/internal/rangeio"
)

// OpenLTXFile implements ltxstore.ReplicaClient. It costs one GET, and one more
// for each time the transfer is resumed. With Config.ReadConcurrency above 1,
// what is longer than two chunks costs one GET for these, and one for each
// Config.ChunkSize after them.
//
// A broken transfer is resumed at the generation that it began with. A file
// that is replaced meanwhile ends the read with an error that is not
// retryable; one that is deleted, with fs.ErrNotExist. A file that is read
// whole is held to the service's CRC-32C: ltxstore.ErrChecksum comes instead of
// the end.
//
// A zero-byte object, a torn upload, is fs.ErrNotExist, as LTXFiles does not
// list it. An object with Content-Encoding gzip is delivered as it is stored.
func (c *ReplicaClient) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	if err := ltxstore.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, wrap("open", "", err)
	}
	if err := rangeio.Check(offset, size); err != nil {
		return nil, wrap("open", "", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: "open",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelDebug})
	key := r.keys.File(level, minTXID, maxTXID)
	body, err := r.open(ctx, key, offset, size)
	err = wrap("open", key, ctxio.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	return rangeio.WrapErrors(body, func(err error) error { return wrap("read", key, r.confirm(ctx, key, err)) }), nil
}

// serialChunks is how many chunks of a file are read in one request before
// parallel ones pay.
const serialChunks = 2

// open returns the reader of a range. Its errors are not wrapped.
func (r *replica) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	first := size
	if head := serialChunks * r.cfg.ChunkSize; r.cfg.ReadConcurrency > 1 && (size == 0 || size > head) {
		first = head
	}
	bodyCtx, cancel := context.WithCancel(ctx)
	a, n, err := r.begin(bodyCtx, key, offset, first)
	if err != nil || n == 0 {
		cancel()
		if err != nil {
			return nil, err
		}
		return rangeio.NewReader(ctx, r.transferConfig(key, version{}, offset, 0)), nil
	}
	_, want := rangeio.Clamp(offset, size, a.size)
	if n < want && a.generation == 0 {
		// The rest could be another file's: all of it has to be one answer.
		a.body.Close()
		if a, n, err = r.begin(bodyCtx, key, offset, size); err == nil && n == 0 {
			err = errReplaced
		}
		if err != nil {
			cancel()
			return nil, err
		}
		want = n
	}
	body := r.rest(ctx, cancel, key, a, offset, n, want)
	if want == a.size && a.crcKnown {
		return &checked{ReadCloser: body, want: a.crc}, nil
	}
	return body, nil
}

// begin opens a range of whatever version there is, and returns how many bytes
// it means. If these are none, no body is left open. ctx lives as long as the
// body.
func (r *replica) begin(ctx context.Context, key string, offset, size int64) (a *answer, n int64, err error) {
	get := func(ctx context.Context) (err error) {
		a, err = r.get(ctx, key, offset, size, 0, &exchange{once: true})
		return retryAfter(err, time.Now())
	}
	if r.cfg.Client == nil {
		err = r.policy.Do(ctx, get)
	} else {
		err = get(ctx)
	}
	switch {
	case err == nil:
	case isInvalidRange(err):
		return nil, 0, r.pastEnd(ctx, key, offset, err)
	default:
		return nil, 0, err
	}
	if _, n = rangeio.Clamp(offset, size, a.size); n == 0 {
		a.body.Close()
		if a.size == 0 {
			return nil, 0, errTorn
		}
	}
	return a, n, nil
}

// rest returns the reader of want bytes, of which a has the first n: the others
// are read in parts, several at once.
func (r *replica) rest(ctx context.Context, cancel context.CancelFunc, key string, a *answer, offset, n, want int64) io.ReadCloser {
	resume := func(ctx context.Context) io.ReadCloser {
		cfg := r.transferConfig(key, a.version, offset, n)
		cfg.Body, cfg.Cancel = a.body, cancel
		return rangeio.NewReader(ctx, cfg)
	}
	if n == want {
		return resume(ctx)
	}
	return rangeio.NewParallel(ctx, rangeio.ParallelConfig{
		First:       resume,
		FirstSize:   n,
		Offset:      offset + n,
		Size:        want - n,
		PartSize:    r.cfg.ChunkSize,
		Concurrency: r.cfg.ReadConcurrency,
		Open: func(ctx context.Context, offset, length int64) io.ReadCloser {
			return rangeio.NewReader(ctx, r.transferConfig(key, a.version, offset, length))
		},
	})
}
