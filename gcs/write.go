package gcs

import (
	"context"
	"io"
	"log/slog"
	"time"

	"cloud.google.com/go/storage"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/body"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// WriteLTXFile implements ltxstore.ReplicaClient. A body of at most
// Config.UploadThreshold bytes is one request, with its CRC-32C in it, by
// which the service refuses anything else. A larger one is a resumable upload:
// one request to begin, and one for each Config.ChunkSize; the CRC-32C goes
// with the last. The checksum and size in the service's answer are compared
// with what was read from r.
//
// A small body that is seekable is read in place, twice, and again where the
// request is repeated; another is in memory. Of a large one, UploadThreshold
// and ChunkSize bytes are in memory at the most.
//
// With Config.WriteOnce an answer that is lost, or refuses the write, is
// settled by one request more, which compares size and CRC-32C.
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
	if err := wrap("write", key, rep.write(ctx, key, info, r)); err != nil {
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

	done, err := r.store(ctx, key, info, src)
	if err != nil {
		return reason(parent, key, src, err)
	}
	info.Size = done.Size
	if info.CreatedAt.IsZero() {
		info.CreatedAt = done.Created.UTC().Truncate(time.Millisecond)
	}
	return nil
}

// reason tells why a write has failed. The library reports a source's failure
// and a context's end in words of its own.
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
func (r *replica) store(ctx context.Context, key string, info *ltx.FileInfo, src *body.Source) (*storage.ObjectAttrs, error) {
	peeked, err := ltxio.Peek(src.Reader(), info.MinTXID, info.MaxTXID)
	if err != nil {
		return nil, err
	}
	if peeked.IsLTX {
		info.CreatedAt = peeked.Time()
	}
	u := &upload{replica: r, key: key, metadata: ltxio.Metadata(info)}

	taken, err := body.Take(peeked.Reader, peeked.Size, r.cfg.UploadThreshold)
	defer taken.Free()
	switch {
	case err != nil:
		return nil, err
	case taken.Fits:
		done, err := u.single(ctx, taken.Open, taken.Size())
		return done, taken.Finish(err)
	case taken.Whole == nil:
		return u.resumable(ctx, body.Drain(taken.First, taken.Rest))
	}
	rest, err := taken.Whole.Rewind()
	if err != nil {
		return nil, err
	}
	return u.resumable(ctx, rest)
}

// upload is one object on its way.
type upload struct {
	*replica
	key      string
	metadata map[string]string
}

// writer returns the library's writer of the object.
func (u *upload) writer(ctx context.Context) *storage.Writer {
	o := u.object(u.key)
	if u.cfg.WriteOnce {
		o = o.If(storage.Conditions{DoesNotExist: true})
	}
	w := o.NewWriter(ctx)
	w.ContentType = "application/octet-stream" // else the library looks at the first bytes
	w.Metadata = u.metadata
	w.StorageClass = u.cfg.StorageClass
	w.KMSKeyName = u.cfg.KMSKeyName
	return w
}
