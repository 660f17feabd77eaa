package mock

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// WriteLTXFile implements ltxstore.ReplicaClient.
func (m *memory) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	info, _, err := m.write(ctx, level, minTXID, maxTXID, r)
	return info, err
}

// write is WriteLTXFile, and tells how many bytes it took from r.
func (m *memory) write(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, int64, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, 0, wrap("write", "", err)
	}
	if r == nil {
		return nil, 0, backend.Invalid(typeName, "write", "r", r, "want a body")
	}
	p, err := m.init(ctx, "write")
	if err != nil {
		return nil, 0, err
	}
	key := p.keys.File(level, minTXID, maxTXID)
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "write", Level: level,
		MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelInfo})

	u := &upload{key: key, level: level, minTXID: minTXID, maxTXID: maxTXID}
	o, n, err := m.upload(ctx, u, r)
	if err != nil {
		err = wrap("write", key, err)
		op.End(err, slog.Int64("size", n))
		return nil, n, err
	}
	op.End(nil, slog.Int64("size", n))
	createdAt := o.ModTime
	if u.isLTX {
		createdAt = u.headerTime
	}
	return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID,
		Size: int64(len(o.Body)), CreatedAt: createdAt}, n, nil
}

// upload is one body on its way into the store.
type upload struct {
	key              string
	level            int
	minTXID, maxTXID ltx.TXID
	isLTX            bool
	headerTime       time.Time
}

func (m *memory) upload(ctx context.Context, u *upload, r io.Reader) (*Object, int64, error) {
	var lag Lag
	var lost []*scripted
	size, err := ltxio.Size(r)
	if err != nil {
		return nil, 0, err
	}
	src := &pointReader{src: ltxio.Whole(ctx, r, size), meet: func(f *scripted) error {
		err := m.meet(ctx, f)
		if f.Leftover && errors.Is(err, f.Err) {
			m.bucket().AddLeftover(u.key)
		}
		return err
	}}
	for _, f := range m.script.match(OpWrite, u.level, u.minTXID, u.maxTXID) {
		if lag == (Lag{}) {
			lag = f.Lag
		}
		if f.LostAnswer {
			lost = append(lost, f)
		} else {
			src.add(f)
		}
	}

	o, err := u.read(ctx, src)
	if err == nil {
		err = flow.Err(ctx)
	}
	if err != nil {
		return nil, src.n, err
	}
	o.ModTime = m.now()
	o, err = m.bucket().publish(u.key, o, m.cfg.WriteOnce, lag, o.ModTime)
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = &existsError{size: src.n}
		}
		return nil, src.n, err
	}
	for _, f := range lost {
		if err := m.meet(ctx, f); err != nil {
			return nil, src.n, err
		}
	}
	return o, src.n, nil
}

// read reads the body whole and makes its metadata.
func (u *upload) read(ctx context.Context, src io.Reader) (*Object, error) {
	body, err := ltxio.Peek(ctx, src, u.minTXID, u.maxTXID)
	if err != nil {
		return nil, err
	}
	info := &ltx.FileInfo{Level: u.level, MinTXID: u.minTXID, MaxTXID: u.maxTXID}
	if u.isLTX = body.IsLTX; u.isLTX {
		u.headerTime = body.Time()
		info.CreatedAt = u.headerTime
	}
	o := &Object{Metadata: ltxio.Metadata(info)}
	o.Body, err = io.ReadAll(body.Reader)
	return o, err
}

// existsError refuses a write under Config.WriteOnce.
type existsError struct{ size int64 }

func (e *existsError) Error() string {
	return "Config.WriteOnce: want the content that is stored, not other " + strconv.FormatInt(e.size, 10) + " bytes"
}

func (e *existsError) Unwrap() error { return fs.ErrExist }
