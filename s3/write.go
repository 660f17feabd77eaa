package s3

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/body"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// WriteLTXFile implements ltxstore.ReplicaClient. A body of at most
// Config.UploadThreshold bytes is one PutObject. A larger one is a multipart
// upload: two requests and one for each part.
//
// A seekable body is read in place, and again where a request is repeated. Of
// a multipart upload that holds for *os.File, *bytes.Reader and
// *strings.Reader, which several parts can be read from at once; of any other
// body the parts under way are in memory, at most Concurrency, of which one may
// still be read. Parts of a body of unknown length begin at PartSize and grow
// to one 1,250th of what has been sent, so that 5 TiB fit into 10,000 parts; as
// they grow, fewer are under way, 256 MiB or one part at most. A service that allows 1,000 parts
// has room for about 2 TiB of such a body; one that wants equal parts, each of
// 8 × PartSize, for 390 GiB by default.
//
// An answer without an ETag, which may be a proxy's, costs a HEAD; and a HEAD
// that finds nothing a GET of one byte, which says what is missing.
//
// With Config.WriteOnce an answer that is lost, or refuses the write, is
// settled by looking at the object: a HEAD, and if the size is the same, a
// download that is compared.
func (c *ReplicaClient) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := ltxstore.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, wrap("write", "", err)
	}
	if r == nil {
		return nil, ltxstore.Invalid(backend, "write", "r", r, "want a body")
	}
	rep, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: "write",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelInfo})

	info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	key := rep.keys.File(level, minTXID, maxTXID)
	if err := rep.wrap("write", key, rep.write(ctx, key, info, r)); err != nil {
		op.End(err)
		return nil, err
	}
	op.End(nil, slog.Int64("size", info.Size))
	return info, nil
}

// write stores r and completes info.
func (r *replica) write(parent context.Context, key string, info *ltx.FileInfo, reader io.Reader) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	src := body.NewSource(ctx, cancel, reader)
	defer src.Rethrow()

	done, err := r.store(ctx, cancel, key, info, src)
	if err != nil {
		return reason(parent, key, src, err)
	}
	info.Size = done.size
	if info.CreatedAt.IsZero() {
		info.CreatedAt = done.at
	}
	return nil
}

// reason tells why a write has failed. The SDK and the transport report a
// source's failure and a context's end in words of their own.
func reason(parent context.Context, key string, src *body.Source, err error) error {
	if failure := src.Failure(); failure != nil {
		// wrap would take a source's broken connection for the store's.
		return &ltxstore.Error{Op: "write", Backend: backend, Key: key, Kind: ltxstore.KindOf(failure), Err: failure}
	}
	if ended := ctxio.Err(parent); ended != nil {
		return ended
	}
	return err
}

// store decides how the body is sent.
func (r *replica) store(ctx context.Context, cancel context.CancelCauseFunc, key string, info *ltx.FileInfo, src *body.Source) (stored, error) {
	peeked, err := ltxio.Peek(src.Reader(), info.MinTXID, info.MaxTXID)
	if err != nil {
		return stored{}, err
	}
	if peeked.IsLTX {
		info.CreatedAt = peeked.Time()
	}
	u := &upload{replica: r, cancel: cancel, key: key, metadata: ltxio.Metadata(info)}

	taken, err := body.Take(peeked.Reader, peeked.Size, r.cfg.UploadThreshold)
	defer taken.Free()
	switch {
	case err != nil:
		return stored{}, err
	case taken.Fits:
		done, err := u.single(ctx, taken.Open, taken.Size())
		return done, taken.Finish(err)
	case taken.Whole == nil:
		return u.stream(ctx, taken.First, taken.Rest, peeked.Size)
	case taken.Whole.Parallel():
		done, err := u.multipart(ctx, &ranges{src: taken.Whole}, taken.Whole.Size())
		return done, taken.Finish(err)
	}
	rest, err := taken.Whole.Rewind()
	if err != nil {
		return stored{}, err
	}
	return u.stream(ctx, nil, rest, taken.Whole.Size())
}

// upload is one object on its way.
type upload struct {
	*replica
	cancel   context.CancelCauseFunc // ends every request of the write
	key      string
	metadata map[string]string
}

// stored is an object in the bucket.
type stored struct {
	size int64
	at   time.Time // by the service's clock

	// earlier means that it was found there, by WriteOnce: this write's own
	// request may have done nothing.
	earlier bool
}

// errNoTime is that of an answer without a date, which HTTP wants.
var errNoTime = errors.New("the service's answers have no time")

// serviceTime returns the time that the service gives an object without an LTX
// header (clause T2): when it answered, which costs nothing, or what it tells.
func (u *upload) serviceTime(ctx context.Context, answered time.Time) (time.Time, error) {
	if _, known := u.metadata[ltxio.TimestampKey]; known || !answered.IsZero() {
		return answered.UTC(), nil
	}
	head, err := u.head(ctx, u.key, "")
	switch {
	case err != nil:
		return time.Time{}, err
	case head.modified.IsZero():
		return time.Time{}, errNoTime
	}
	return head.modified, nil
}
