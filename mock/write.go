package mock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

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

// write is WriteLTXFile. It also returns the number of bytes read from r.
func (m *memory) write(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, int64, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, 0, wrap("write", "", err)
	}
	if r == nil {
		return nil, 0, backend.Invalid(typeName, "write", "r", r, "want a body")
	}
	keys, err := m.init(ctx, "write")
	if err != nil {
		return nil, 0, err
	}
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "write", Level: level,
		MinTXID: minTXID, MaxTXID: maxTXID, Done: slog.LevelInfo})
	key := keys.File(level, minTXID, maxTXID)
	info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	n, err := m.store(ctx, key, info, r)
	err = wrap("write", key, err)
	op.End(err, slog.Int64("size", n))
	if err != nil {
		return nil, n, err
	}
	return info, n, nil
}

// store stores a body, subject to faults of OpWrite, and completes info. It
// returns the number of bytes read from r.
func (m *memory) store(ctx context.Context, key string, info *ltx.FileInfo, r io.Reader) (int64, error) {
	size, err := ltxio.Size(r)
	if err != nil {
		return 0, err
	}
	before, lost, lag := split(m.match(OpWrite, info.Level, info.MinTXID, info.MaxTXID))
	src := &pointReader{src: ltxio.Whole(ctx, r, size), points: newPoints(before, func(f *scripted) error {
		err := m.meet(ctx, f)
		if f.Leftover && errors.Is(err, f.Err) {
			m.Store().AddLeftover(key)
		}
		return err
	})}
	o, err := readObject(ctx, src, info, size)
	if err == nil {
		err = flow.Err(ctx)
	}
	if err != nil {
		return src.n, err
	}
	o.ModTime = m.now()
	m.Store().requests.Add(1)
	if o = m.Store().publish(key, o, m.cfg.WriteOnce, lag); o == nil {
		return src.n, fmt.Errorf("Config.WriteOnce: the file exists with content other than these %d bytes: %w", src.n, fs.ErrExist)
	}
	info.Size = int64(len(o.Body))
	if info.CreatedAt.IsZero() {
		info.CreatedAt = o.ModTime
	}
	return src.n, m.meetAll(ctx, lost)
}

// maxGrow limits the memory that is allocated for a body's stated size.
const maxGrow = 64 << 20

// readObject reads a whole body and makes its metadata. It sets the CreatedAt of
// info to the time in an LTX header.
func readObject(ctx context.Context, src io.Reader, info *ltx.FileInfo, size int64) (*Object, error) {
	body, err := ltxio.Peek(ctx, src, info.MinTXID, info.MaxTXID)
	if err != nil {
		return nil, err
	}
	if body.IsLTX {
		info.CreatedAt = body.Time()
	}
	o := &Object{Metadata: ltxio.Metadata(info)}
	if size < 0 {
		o.Body, err = io.ReadAll(body.Reader)
		return o, err
	}
	content := bytes.NewBuffer(make([]byte, 0, min(size, maxGrow)+bytes.MinRead))
	_, err = content.ReadFrom(body.Reader)
	o.Body = content.Bytes()
	return o, err
}
