package s3

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// An object's metadata beside timestampKey, for people and other tools:
// nothing here reads them.
const (
	minTXIDKey = "min-txid"
	maxTXIDKey = "max-txid"
	levelKey   = "level"
)

// WriteLTXFile implements ltxstore.ReplicaClient. A body of at most
// Config.UploadThreshold bytes is one PutObject. A larger one is a multipart
// upload: two requests and one for each part.
//
// A seekable body is read in place, and again where a request is repeated. Of
// a multipart upload that holds for *os.File, *bytes.Reader and
// *strings.Reader, which several parts can be read from at once; of any other
// body the parts under way, at most Concurrency + 1, are in memory. Parts of
// a body of unknown length begin at PartSize and grow to one 1,250th of what
// has been sent, so that 5 TiB fit into 10,000 parts; as they grow, fewer are
// under way, 256 MiB and one part at most. A service that allows 1,000 parts
// has room for about 2 TiB of such a body; one that wants equal parts, each of
// 8 × PartSize, for 390 GiB by default.
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
	src := newSource(ctx, cancel, reader)
	defer src.rethrow()

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
func reason(parent context.Context, key string, src *source, err error) error {
	if failure := src.failure(); failure != nil {
		// wrap would take a source's broken connection for the store's.
		return &ltxstore.Error{Op: "write", Backend: backend, Key: key, Kind: ltxstore.KindOf(failure), Err: failure}
	}
	if ended := ctxio.Err(parent); ended != nil {
		return ended
	}
	return err
}

// store decides how the body is sent.
func (r *replica) store(ctx context.Context, cancel context.CancelCauseFunc, key string, info *ltx.FileInfo, src *source) (stored, error) {
	body, err := ltxio.Peek(src.reader(), info.MinTXID, info.MaxTXID)
	if err != nil {
		return stored{}, err
	}
	u := &upload{replica: r, cancel: cancel, key: key, metadata: metadataOf(info)}
	if body.IsLTX {
		info.CreatedAt = body.Time()
		u.metadata[timestampKey] = info.CreatedAt.Format(time.RFC3339Nano)
	}

	whole, err := replay(body.Reader, body.Size)
	switch {
	case err != nil:
		return stored{}, err
	case whole != nil && whole.size <= r.cfg.UploadThreshold:
		done, err := u.single(ctx, func() io.ReadSeeker { return whole.section(0, whole.size) }, whole.size)
		return done, whole.finish(err)
	case whole != nil && whole.parallel != nil:
		done, err := u.multipart(ctx, &ranges{src: whole}, whole.size)
		return done, whole.finish(err)
	case whole != nil:
		if _, err := whole.src.Seek(whole.start, io.SeekStart); err != nil {
			return stored{}, err
		}
		return u.stream(ctx, nil, whole.src, whole.size)
	}

	first := newBuffer()
	defer first.free()
	rest := body.Reader
	end, err := first.fill(rest, r.cfg.UploadThreshold)
	if err == nil && !end {
		end, rest, err = more(rest)
	}
	switch {
	case err != nil:
		return stored{}, err
	case !end:
		return u.stream(ctx, first, rest, body.Size)
	}
	return u.single(ctx, func() io.ReadSeeker { return first.reader() }, first.size)
}

// more tells whether r has ended, and returns a reader of what is left.
func more(r io.Reader) (end bool, rest io.Reader, err error) {
	var next [1]byte
	switch _, err := io.ReadFull(&patient{r: r}, next[:]); {
	case err == io.EOF:
		return true, nil, nil
	case err != nil:
		return false, nil, err
	}
	return false, &prepended{next: next[:], rest: r}, nil
}

// patient bounds how often a reader may return nothing.
type patient struct {
	r     io.Reader
	empty int
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n == 0 && err == nil {
		if p.empty++; p.empty > maxEmptyReads {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// prepended yields bytes that were read too early, then the rest.
type prepended struct {
	next []byte
	rest io.Reader
}

func (p *prepended) Read(b []byte) (int, error) {
	if len(p.next) == 0 {
		return p.rest.Read(b)
	}
	n := copy(b, p.next)
	p.next = p.next[n:]
	return n, nil
}

func metadataOf(info *ltx.FileInfo) map[string]string {
	return map[string]string{
		minTXIDKey: strconv.FormatUint(uint64(info.MinTXID), 10),
		maxTXIDKey: strconv.FormatUint(uint64(info.MaxTXID), 10),
		levelKey:   strconv.Itoa(info.Level),
	}
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
	if _, known := u.metadata[timestampKey]; known || !answered.IsZero() {
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
