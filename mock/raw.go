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
	_ backend.RawLister = (*memory)(nil)
	_ backend.RawOpener = (*memory)(nil)
)

// ListRaw implements backend.RawLister. It is not logged as a Call, is not
// hit by faults, and ignores Lags.
func (m *memory) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	const op = "list raw"
	if err := backend.CheckRawDir(dir); err != nil {
		return wrap(op, "", err)
	}
	keys, err := m.init(ctx, op)
	if err != nil {
		return err
	}
	prefix := keys.Prefix()
	if dir != "." {
		prefix += dir + "/"
	}
	m.Store().requests.Add(1)
	folder := ""
	for _, o := range m.Store().below(prefix) {
		if err := flow.Err(ctx); err != nil {
			return wrap(op, prefix, err)
		}
		name, _, deeper := strings.Cut(o.key[len(prefix):], "/")
		f := backend.RawFile{Name: name, Folder: deeper}
		switch {
		case name == "", deeper && name == folder:
			continue
		case deeper:
			folder = name
		default:
			f.Size, f.Modified = int64(len(o.Body)), o.ModTime
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// OpenRaw implements backend.RawOpener. It is not logged as a Call, and is hit by
// faults of OpOpen and OpRead that are not limited to levels.
func (m *memory) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	const op = "open raw"
	if err := backend.CheckRaw(name, offset, size); err != nil {
		return nil, wrap(op, "", err)
	}
	keys, err := m.init(ctx, op)
	if err != nil {
		return nil, err
	}
	return m.open(ctx, keys.Prefix()+name, offset, size, oplog.Op{Replica: typeName, Name: op, Level: noLevel, Done: slog.LevelDebug})
}
