package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
	"github.com/ltxstore/ltxstore/internal/rangeio"
)

// OpenLTXFile implements ltxstore.ReplicaClient. It costs one GET, and one more
// for each time the transfer is resumed. A HEAD is added where the answer does
// not tell the object's size, which also tells a range past the end from a
// range that a server refuses for no reason. With Config.ReadConcurrency above
// 1, what is longer than two parts costs one GET for these, and one for each
// part of Config.PartSize after them.
//
// A broken transfer is resumed under the ETag that it began with, and ends with
// an error if an answer to that has another, a weak one, or none. Where the
// store gives no strong one in the beginning, it is not resumed: a time of one
// second's precision and a size do not tell two versions apart. A file that is replaced
// meanwhile ends the read with an error that is not retryable; one that is
// deleted, with fs.ErrNotExist.
//
// A store that answers a range with the whole object is read up to the range,
// if that begins in the object's first 64 MiB; else it is
// errors.ErrUnsupported. A zero-byte object, a torn upload, is fs.ErrNotExist,
// as LTXFiles does not list it.
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
	err = r.wrap("open", key, ctxio.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	return rangeio.WrapErrors(body, func(err error) error { return r.wrap("read", key, err) }), nil
}

// serialParts is how many parts of a file are read in one request before
// parallel ones pay.
const serialParts = 2

// open returns the reader of a range. Its errors are not wrapped.
func (r *replica) open(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	head := serialParts * r.cfg.PartSize
	if r.cfg.ReadConcurrency > 1 && (size == 0 || size > head) {
		return r.openLarge(ctx, key, offset, size, head)
	}
	return r.openRange(ctx, key, offset, size)
}

// openLarge reads the first head bytes of a range in one request, which is all
// if there are no more, and the rest in parts, several at once.
func (r *replica) openLarge(ctx context.Context, key string, offset, size, head int64) (io.ReadCloser, error) {
	bodyCtx, cancelBody := context.WithCancel(ctx)
	a, n, err := r.begin(bodyCtx, key, offset, head)
	if err != nil || n == 0 {
		cancelBody()
		if err != nil {
			return nil, err
		}
		return r.transfer(ctx, key, version{}, offset, 0), nil
	}
	want := a.size - offset
	if size > 0 {
		want = min(want, size)
	}
	switch {
	case a.whole: // no use in asking for ranges
		return r.resume(ctx, cancelBody, key, a, offset, want), nil
	case want <= n:
		return r.resume(ctx, cancelBody, key, a, offset, n), nil
	case a.etag == "": // the parts might be of several versions
		a.body.Close()
		cancelBody()
		return r.openRange(ctx, key, offset, size)
	}
	return rangeio.NewParallel(ctx, rangeio.ParallelConfig{
		First:       func(ctx context.Context) io.ReadCloser { return r.resume(ctx, cancelBody, key, a, offset, n) },
		FirstSize:   n,
		Offset:      offset + n,
		Size:        want - n,
		PartSize:    r.cfg.PartSize,
		Concurrency: r.cfg.ReadConcurrency,
		Open: func(ctx context.Context, offset, length int64) io.ReadCloser {
			return r.transfer(ctx, key, a.version, offset, length)
		},
	}), nil
}

// openRange reads in one request.
func (r *replica) openRange(ctx context.Context, key string, offset, size int64) (io.ReadCloser, error) {
	bodyCtx, cancel := context.WithCancel(ctx)
	a, n, err := r.begin(bodyCtx, key, offset, size)
	if err != nil || n == 0 {
		cancel()
		if err != nil {
			return nil, err
		}
		return r.transfer(ctx, key, version{}, offset, 0), nil
	}
	return r.resume(ctx, cancel, key, a, offset, n), nil
}

// begin opens a range of whatever version there is, and returns how many bytes
// it means. If these are none, no body is left open. ctx lives as long as the
// body.
func (r *replica) begin(ctx context.Context, key string, offset, size int64) (a *answer, n int64, err error) {
	a, err = r.get(ctx, key, offset, size, "")
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

// pastEnd tells what a 416 means: nil if the range is really past the end.
func (r *replica) pastEnd(ctx context.Context, key string, offset int64, refused error) error {
	size, ok := refusedSize(refused)
	if !ok {
		now, err := r.head(ctx, key, "")
		if err != nil {
			return err
		}
		size = now.size
	}
	switch {
	case size == 0:
		return errTorn
	case size > offset:
		return fmt.Errorf("server refuses the range from %d of %d bytes: %w", offset, size, refused)
	}
	return nil
}

// refusedSize reads the object's size from a 416 answer's Content-Range.
func refusedSize(err error) (int64, bool) {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return 0, false
	}
	digits, ok := strings.CutPrefix(answer.Response.Header.Get("Content-Range"), "bytes */")
	if !ok {
		return 0, false
	}
	size, err := strconv.ParseInt(digits, 10, 64)
	return size, err == nil && size >= 0
}

// resume returns the reader of n bytes that has begun with a.
func (r *replica) resume(ctx context.Context, cancel context.CancelFunc, key string, a *answer, offset, n int64) *rangeio.Reader {
	cfg := r.transferConfig(key, a.version, offset, n)
	cfg.Body, cfg.Cancel = a.body, cancel
	return rangeio.NewReader(ctx, cfg)
}

// transfer returns the reader of n bytes of a version, none of which has been
// asked for yet.
func (r *replica) transfer(ctx context.Context, key string, v version, offset, n int64) *rangeio.Reader {
	return rangeio.NewReader(ctx, r.transferConfig(key, v, offset, n))
}

func (r *replica) transferConfig(key string, v version, offset, n int64) rangeio.Config {
	cfg := rangeio.Config{
		Offset:      offset,
		Size:        n,
		IdleTimeout: r.cfg.IdleTimeout,
		Open: func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			// The policy around this repeats it: the SDK must not do so too.
			a, err := r.get(ctx, key, offset, length, v.etag, unrepeated)
			if err != nil {
				return nil, retryAfter(err, time.Now())
			}
			if a.size != v.size {
				a.body.Close()
				return nil, fmt.Errorf("%w: it has %d bytes, had %d", errReplaced, a.size, v.size)
			}
			return a.body, nil
		},
	}
	if v.etag != "" {
		cfg.Retry = r.policy
	}
	return cfg
}

// unrepeated keeps the SDK from repeating a request.
func unrepeated(o *s3.Options) { o.Retryer = aws.NopRetryer{} }
