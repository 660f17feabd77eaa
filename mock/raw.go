package mock

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

var (
	_ backend.RawLister = (*ReplicaClient)(nil)
	_ backend.RawOpener = (*ReplicaClient)(nil)
)

// ListRaw implements backend.RawLister. It is not logged as a Call, is not
// hit by faults, and ignores Lags.
func (c *ReplicaClient) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	return c.memory.ListRaw(ctx, dir, visit)
}

// ListRaw implements backend.RawLister.
func (m *memory) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	const op = "list raw"
	if err := backend.CheckRawDir(dir); err != nil {
		return wrap(op, "", err)
	}
	p, err := m.init(ctx, op)
	if err != nil {
		return err
	}
	prefix := p.keys.Prefix()
	if dir != "." {
		prefix += dir + "/"
	}
	m.bucket().bill()
	folder := ""
	for _, key := range m.bucket().Keys() {
		if err := flow.Err(ctx); err != nil {
			return wrap(op, prefix, err)
		}
		name, ok := strings.CutPrefix(key, prefix)
		if !ok || name == "" {
			continue
		}
		f := backend.RawFile{Name: name}
		if f.Name, _, f.Folder = strings.Cut(name, "/"); f.Folder {
			if f.Name == folder {
				continue
			}
			folder = f.Name
		} else if o, ok := m.bucket().Get(key); ok {
			f.Size, f.Modified = int64(len(o.Body)), o.ModTime
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// OpenRaw implements backend.RawOpener. It is not logged as a Call, and the faults are
// those of OpOpen and OpRead that are on every level.
func (c *ReplicaClient) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	return c.memory.OpenRaw(ctx, name, offset, size)
}

// OpenRaw implements backend.RawOpener.
func (m *memory) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	const op = "open raw"
	if err := backend.CheckRaw(name, offset, size); err != nil {
		return nil, wrap(op, "", err)
	}
	p, err := m.init(ctx, op)
	if err != nil {
		return nil, err
	}
	return m.openKey(ctx, p.keys.Prefix()+name, offset, size, oplog.Op{Replica: typeName, Name: op, Level: noLevel, Done: slog.LevelDebug})
}
