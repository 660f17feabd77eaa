package gcs

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"time"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore/internal/body"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// answerGrace is how long a request that is sent whole goes on when the caller
// has given up: without its answer a file would appear after its write was
// said to fail.
const answerGrace = time.Second

// content is what is known of a body that was, or is to be, written.
type content struct {
	size int64
	crc  uint32 // CRC-32C, which the service computes of every object
	sum  func() (uint64, error)
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// single stores a body in one request. open returns a reader of the whole body
// and may be called several times, one reader after the other.
//
// The library does not repeat such a request: it is repeated here.
func (u *upload) single(ctx context.Context, open func() io.ReadSeeker, size int64) (*storage.ObjectAttrs, error) {
	crc := crc32.New(castagnoli())
	if n, err := io.Copy(crc, open()); err != nil || n != size {
		return nil, cmpErr(err, n, size)
	}
	c := content{size: size, crc: crc.Sum32(), sum: func() (uint64, error) {
		sum, _, err := body.CRC64(open())
		return sum, err
	}}
	var done *storage.ObjectAttrs
	err := u.policy.Do(ctx, func(ctx context.Context) (err error) {
		done, err = u.put(ctx, open(), c)
		return retryAfter(err, time.Now())
	})
	if err != nil {
		return nil, err
	}
	return done, u.verify(ctx, c)
}

// cmpErr is err, or that of a body that has changed its size.
func cmpErr(err error, got, want int64) error {
	if err == nil {
		err = fmt.Errorf("body has %d bytes: it had %d when the write began", got, want)
	}
	return err
}

// put sends the body once. With WriteOnce it settles what the answer leaves
// open.
func (u *upload) put(ctx context.Context, r io.Reader, c content) (*storage.ObjectAttrs, error) {
	longer, cancel := ctxio.Outlive(ctx, answerGrace)
	defer cancel()
	w := u.writer(longer)
	w.ChunkSize = 0 // no buffer: 16 MiB by default, 256 KiB at the least
	w.CRC32C, w.SendCRC32C = c.crc, true
	done, err := u.send(ctx, cancel, w, r)
	if err != nil {
		return u.settle(ctx, c, err)
	}
	return done, u.compare(ctx, done, c)
}

// send copies r to the library's writer and completes the object. On failure
// nothing is published, and the library's goroutine has ended.
func (u *upload) send(ctx context.Context, cancel context.CancelFunc, w *storage.Writer, r io.Reader) (*storage.ObjectAttrs, error) {
	// A blocked Write ends with the caller's context; the writer's own lives
	// longer, for the answer.
	detach := context.AfterFunc(ctx, cancel)
	_, err := io.Copy(w, r)
	if !detach() && err == nil {
		err = ctxio.Err(ctx)
	}
	if err != nil {
		abandon(w, cancel, err)
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return w.Attrs(), nil
}

// abandon ends a writer whose object may not be published, and waits for it.
// The writer is told why before it is cancelled and closed: one that is only
// cancelled may complete what it has, as if that were all.
func abandon(w *storage.Writer, cancel context.CancelFunc, why error) {
	_ = w.CloseWithError(why) //lint:ignore SA1019 the other way, to cancel, is not safe
	cancel()
	_ = w.Close() // returns when the library's goroutine has ended
}

// compare holds the service's answer to what was written. An object of other
// content is deleted: a damaged snapshot would stay, and be restored from. A
// server that stores a chunk twice when it is sent twice has published such
// ones (fake-gcs-server 1.56, which takes no notice of offsets and checksums).
func (u *upload) compare(ctx context.Context, done *storage.ObjectAttrs, c content) error {
	var err error
	switch {
	case done == nil:
		return errors.New("service answered a write without the object")
	case done.Size != c.size:
		err = verify.SizeMismatch(done.Size, c.size)
	case done.CRC32C != c.crc:
		err = fmt.Errorf("%w: the service's CRC-32C of it is %08x, that of the body was %08x", verify.ErrMismatch, done.CRC32C, c.crc)
	case done.Name != u.key:
		return foreign("the answer describes %.100q: want %q", done.Name, u.key)
	}
	if err != nil && done.Generation != 0 {
		u.retract(ctx, done.Generation)
	}
	return err
}

// retract deletes the object as a write has left it, and no later one. It does
// so also when ctx has ended.
func (u *upload) retract(ctx context.Context, generation int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	err := u.object(u.key).If(storage.Conditions{GenerationMatch: generation}).Delete(ctx)
	if err != nil && !isMissing(err) && !isPreconditionFailed(err) {
		u.log.Get().LogAttrs(ctx, slog.LevelError, "ltx file is damaged and cannot be deleted",
			slog.String("replica", backend), slog.String("key", u.key), slog.Any("error", scrub.Error(err)))
	}
}
