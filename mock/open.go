package mock

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// OpenLTXFile implements ltxstore.ReplicaClient.
func (m *memory) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	err := backend.CheckFile(level, minTXID, maxTXID)
	if err == nil {
		err = rangeio.Check(offset, size)
	}
	if err != nil {
		return nil, wrap("open", "", err)
	}
	keys, err := m.init(ctx, "open")
	if err != nil {
		return nil, err
	}
	return m.open(ctx, keys.File(level, minTXID, maxTXID), offset, size, oplog.Op{Replica: typeName, Name: "open",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelDebug})
}

// errTorn is the error for an empty object, which LTXFiles does not list either.
var errTorn = fmt.Errorf("file is empty, from a torn upload: %w", fs.ErrNotExist)

// open opens the object at key. Faults are matched by op, level and TXIDs.
func (m *memory) open(ctx context.Context, key string, offset, size int64, op oplog.Op) (io.ReadCloser, error) {
	op = m.log.Start(ctx, op)
	var body []byte
	err := m.meetAll(ctx, m.match(OpOpen, op.Level, op.MinTXID, op.MaxTXID))
	if err == nil {
		m.Store().requests.Add(1)
		switch o := m.Store().get(key); {
		case o == nil:
			err = fs.ErrNotExist
		case len(o.Body) == 0:
			err = errTorn
		default:
			body = o.Body
		}
	}
	if err = wrap("open", key, err); err != nil {
		op.End(err)
		return nil, err
	}
	start, n := rangeio.Clamp(offset, size, int64(len(body)))
	part := body[start : start+n]
	faults := m.match(OpRead, op.Level, op.MinTXID, op.MaxTXID)
	for _, f := range faults {
		part = f.corrupt(part, start)
	}
	r := &reader{key: key, op: op}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.src = pointReader{src: bytes.NewReader(part), points: newPoints(faults, func(f *scripted) error { return m.meet(r.ctx, f) })}
	return r, nil
}

// reader reads from a version of a file. Close may be called during a Read, and
// makes it return.
type reader struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	src    pointReader
	key    string
	op     oplog.Op
	read   atomic.Int64
	logged sync.Once
}

func (r *reader) Read(p []byte) (n int, err error) {
	if err = r.ended(); err == nil {
		n, err = r.src.Read(p)
		r.read.Add(int64(n))
	}
	switch {
	case err == io.EOF:
		r.end(nil)
	case err != nil:
		// Close may have been called meanwhile, and cancels what the source waits for.
		err = wrap("read", r.key, cmp.Or(r.ended(), err))
		r.end(err)
	}
	return n, err
}

func (r *reader) Close() error {
	r.end(nil)
	r.cancel(fs.ErrClosed)
	return nil
}

// ended returns fs.ErrClosed after Close, and the error of the context once it is
// done.
func (r *reader) ended() error {
	if errors.Is(context.Cause(r.ctx), fs.ErrClosed) {
		return fs.ErrClosed
	}
	return flow.Err(r.ctx)
}

func (r *reader) end(err error) {
	r.logged.Do(func() { r.op.End(err, slog.Int64("size", r.read.Load())) })
}
