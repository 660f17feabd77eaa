package mock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
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
	p, err := m.init(ctx, "open")
	if err != nil {
		return nil, err
	}
	return m.openKey(ctx, p.keys.File(level, minTXID, maxTXID), offset, size, oplog.Op{Replica: typeName, Name: "open",
		Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelDebug})
}

// openKey opens what key holds, under the faults of what op is on.
func (m *memory) openKey(ctx context.Context, key string, offset, size int64, op oplog.Op) (io.ReadCloser, error) {
	op = m.log.Start(ctx, op)
	level, minTXID, maxTXID := op.Level, op.MinTXID, op.MaxTXID
	o, err := m.object(ctx, key, level, minTXID, maxTXID)
	if err != nil {
		op.End(err)
		return nil, err
	}
	start, n := rangeio.Clamp(offset, size, int64(len(o.Body)))
	part := o.Body[start : start+n]
	r := &reader{key: key, op: op}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.src.meet = func(f *scripted) error { return m.meet(r.ctx, f) }
	for _, f := range m.script.match(OpRead, level, minTXID, maxTXID) {
		part = f.corrupt(part, start)
		r.src.add(f)
	}
	r.src.src = bytes.NewReader(part)
	return r, nil
}

// object returns what key holds, under the faults of OpOpen.
func (m *memory) object(ctx context.Context, key string, level int, minTXID, maxTXID ltx.TXID) (*Object, error) {
	for _, f := range m.script.match(OpOpen, level, minTXID, maxTXID) {
		if err := m.meet(ctx, f); err != nil {
			return nil, wrap("open", key, err)
		}
	}
	o := m.bucket().get(key)
	if o == nil {
		return nil, &ltxstore.Error{Op: "open", Backend: typeName, Key: key, Kind: fs.ErrNotExist}
	}
	if len(o.Body) == 0 {
		return nil, &ltxstore.Error{Op: "open", Backend: typeName, Key: key, Kind: fs.ErrNotExist,
			Err: errors.New("the file is empty, a torn upload")}
	}
	return o, nil
}

// reader reads from a version of a file. Close may come beside a Read, and
// ends it.
type reader struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	src    pointReader
	key    string
	op     oplog.Op
	read   atomic.Int64
	once   sync.Once
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ended(); err != nil {
		return 0, r.fail(err)
	}
	n, err := r.src.Read(p)
	r.read.Add(int64(n))
	switch {
	case err == io.EOF:
		r.finish(nil)
	case err != nil:
		// A Close meanwhile cancels what the source was waiting for.
		if ended := r.ended(); ended != nil {
			err = ended
		}
		err = r.fail(err)
	}
	return n, err
}

func (r *reader) Close() error {
	r.finish(nil)
	r.cancel(fs.ErrClosed)
	return nil
}

// ended returns fs.ErrClosed after Close, and the context's error after its end.
func (r *reader) ended() error {
	if errors.Is(context.Cause(r.ctx), fs.ErrClosed) {
		return fs.ErrClosed
	}
	return flow.Err(r.ctx)
}

func (r *reader) fail(err error) error {
	err = wrap("read", r.key, err)
	r.finish(err)
	return err
}

func (r *reader) finish(err error) {
	r.once.Do(func() { r.op.End(err, slog.Int64("size", r.read.Load())) })
}
