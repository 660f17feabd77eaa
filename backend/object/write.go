package object

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// WriteLTXFile implements ltxstore.ReplicaClient. A body of at most
// Store.UploadThreshold bytes costs one request. A larger one is an upload in parts,
// with two requests and one for each part, or a stream if the Bucket is a Streamer.
//
// An *os.File, *bytes.Reader or *strings.Reader is read in place, and read again if a
// request is repeated. Of any other body, the data being sent is in memory: all of a
// small body, or at most Store.Concurrency parts. Parts of a body of unknown size start
// at Store.PartSize and grow in proportion to what was sent, so that the store's largest
// object fits; as they grow, fewer are sent at a time, at most 256 MiB or one part.
//
// If a response does not identify the object, it costs one more request. So does, with
// Store.WriteOnce, a response that is lost or rejects the write, and without it, the lost
// response to the completion of an upload; if the existing object has the same size and
// the store provides no hash, it is read and compared.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, c.refuse("write", err)
	}
	if r == nil {
		return nil, backend.Invalid(c.cfg.Type, "write", "r", r, "want a body")
	}
	rep, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "write",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelInfo})

	info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	key := rep.Keys.File(level, minTXID, maxTXID)
	if err := rep.wrap("write", key, rep.write(ctx, key, info, r)); err != nil {
		op.End(err)
		return nil, err
	}
	op.End(nil, slog.Int64("size", info.Size))
	return info, nil
}

// refuse returns the error of an invalid argument, or of a context that has ended.
func (c *Client) refuse(op string, err error) error {
	return &ltxstore.Error{Op: op, Backend: c.cfg.Type, Kind: ltxstore.KindOf(err), Err: err}
}

// write stores reader and completes info.
func (r *replica) write(parent context.Context, key string, info *ltx.FileInfo, reader io.Reader) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	src, err := newSource(ctx, cancel, reader)
	if err != nil {
		return err
	}
	defer src.rethrow()

	done, err := r.store(ctx, cancel, key, info, src)
	if err != nil {
		return r.reason(parent, key, src, err)
	}
	src.finish()
	info.Size = done.Size
	if info.CreatedAt.IsZero() {
		info.CreatedAt = done.Modified.UTC().Truncate(time.Millisecond)
	}
	return nil
}

// reason returns why a write has failed. SDKs and their transports report the error of
// the source, and the end of a context, as errors of their own.
func (r *replica) reason(parent context.Context, key string, src *source, err error) error {
	if ended := flow.Err(parent); ended != nil {
		return ended
	}
	if failure := src.failure(); failure != nil {
		// wrap would mistake a broken connection of the source for one of the store.
		return &ltxstore.Error{Op: "write", Backend: r.Type, Key: key, Kind: ltxstore.KindOf(failure), Err: failure}
	}
	return err
}

// store sends the body in the way that fits its size.
func (r *replica) store(ctx context.Context, cancel context.CancelCauseFunc, key string, info *ltx.FileInfo, src *source) (Object, error) {
	c, err := take(src, r.UploadThreshold, func(first []byte) error {
		hdr, isLTX, err := ltxio.Header(first, info.MinTXID, info.MaxTXID)
		if isLTX {
			info.CreatedAt = time.UnixMilli(hdr.Timestamp).UTC()
		}
		return err
	})
	defer c.free()
	if err != nil {
		return Object{}, err
	}
	u := &upload{replica: r, cancel: cancel, key: key, c: c, metadata: ltxio.Metadata(info), isLTX: !info.CreatedAt.IsZero()}
	if c.fits(r.UploadThreshold) {
		return u.single(ctx)
	}
	if m, ok := r.Bucket.(Multipart); ok {
		return u.multipart(ctx, m)
	}
	if s, ok := r.Bucket.(Streamer); ok {
		return u.stream(ctx, s)
	}
	return Object{}, fmt.Errorf("body has more than %d bytes, the maximum of the store: %w", r.UploadThreshold, fs.ErrInvalid)
}

// upload is an object that is being written.
type upload struct {
	*replica
	cancel   context.CancelCauseFunc // cancels all requests of the write
	key      string
	c        *content
	metadata map[string]string
	isLTX    bool // the metadata contains the file's time
}

func (u *upload) options() PutOptions {
	return PutOptions{IfAbsent: u.WriteOnce, Metadata: u.metadata}
}

// newHash returns the hash for comparing contents. Without WriteOnce, that is rarely
// needed, and the hash is one that costs nothing.
func (r *replica) newHash() hash.Hash {
	switch {
	case r.Traits.NewHash != nil:
		return r.Traits.NewHash()
	case !r.WriteOnce:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	}
	return crc64.New(crc64.MakeTable(crc64.ECMA))
}

// single stores the body in one request.
func (u *upload) single(ctx context.Context) (Object, error) {
	opts := u.options()
	if u.Traits.NewHash != nil {
		var err error
		if opts.Sum, err = u.c.sum(u.newHash()); err != nil {
			return Object{}, err
		}
	}
	done, _, err := u.publish(ctx, u.c.size, func(ctx context.Context) (Object, error) {
		body := newBody(u.c.open(), u.c.size)
		ctx, cancel := body.outlive(ctx)
		defer cancel()
		return u.Bucket.Put(ctx, u.key, body, opts)
	})
	return done, err
}

// stream stores the body with a Streamer.
func (u *upload) stream(ctx context.Context, s Streamer) (Object, error) {
	counted := &Stream{r: u.c.stream(), hash: u.newHash()}
	u.c.hash = counted.hash
	longer, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	done, err := s.PutStream(longer, u.key, counted, u.options(), u.policyAfter())
	u.c.whole = false // its sum was computed while sending it
	if err == nil {
		return u.confirm(ctx, done, counted.n)
	}
	if u.is(err, ErrPrecondition) {
		// The store rejects the write before it has read the body. The body must
		// still be read, to compare it with the existing file.
		if _, err := io.Copy(io.Discard, counted); err != nil {
			return Object{}, err
		}
	}
	if !counted.end || !u.WriteOnce && !u.is(err, ErrNoUpload) {
		return Object{}, err
	}
	done, _, found := u.resolve(ctx, counted.n, err)
	if found != nil && u.WriteOnce {
		err = found
	}
	if found != nil {
		return Object{}, err
	}
	return done, nil
}

// policyAfter returns the Retrier for a Streamer. It adds RetryAfter to errors.
func (u *upload) policyAfter() Retrier { return retrier{u.replica} }

type retrier struct{ r *replica }

func (p retrier) Do(ctx context.Context, op func(context.Context) error) error {
	return p.r.do(ctx, op)
}

// Stream is a body of unknown length, which is read once.
type Stream struct {
	r    io.Reader
	hash hash.Hash
	n    int64
	end  bool
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := unsummed{s}.Read(p)
	s.hash.Write(p[:n]) // never fails
	return n, err
}

// Unsummed returns a reader of the body, and a writer that everything must be written to
// that was read, in the same order: a Streamer may compute the hash while it sends.
func (s *Stream) Unsummed() (io.Reader, io.Writer) { return unsummed{s}, s.hash }

type unsummed struct{ *Stream }

// Read implements io.Reader.
func (s unsummed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.end = s.end || err == io.EOF
	return n, err
}

// Sum returns the hash by Traits.NewHash of what has been read.
func (s *Stream) Sum() []byte { return s.hash.Sum(nil) }

// errNoTime is the error of a store that returns no time for an object.
var errNoTime = errors.New("the store's responses contain no time")

// timed completes the time of an object without an LTX header (clause T2): the time in
// the response, if it has one, or else that of Head.
func (u *upload) timed(ctx context.Context, done Object) (Object, error) {
	if u.isLTX || !done.Modified.IsZero() {
		return done, nil
	}
	now, err := u.head(ctx, u.key, "")
	switch {
	case err != nil:
		return Object{}, err
	case now.Modified.IsZero():
		return Object{}, errNoTime
	}
	done.Modified = now.Modified
	return done, nil
}
