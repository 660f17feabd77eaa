package mock

import (
	"context"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// DeleteLTXFiles implements ltxstore.ReplicaClient.
func (m *memory) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if err := flow.Err(ctx); err != nil {
		return wrap("delete", "", err)
	}
	if err := backend.CheckFiles(files); err != nil || len(files) == 0 {
		return wrap("delete", "", err)
	}
	p, err := m.init(ctx, "delete")
	if err != nil {
		return err
	}
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "delete", Level: noLevel, Done: slog.LevelInfo})
	var failed []error
	for _, info := range files {
		key := p.keys.File(info.Level, info.MinTXID, info.MaxTXID)
		if err := m.deleteFile(ctx, key, info); err != nil {
			failed = append(failed, wrap("delete", key, err))
		}
	}
	err = backend.Partial(typeName, "delete", failed, len(files))
	op.End(err, slog.Int("files", len(files)), slog.Int("failed", len(failed)))
	return err
}

func (m *memory) deleteFile(ctx context.Context, key string, info *ltx.FileInfo) error {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	faults := m.script.match(OpDelete, info.Level, info.MinTXID, info.MaxTXID)
	return m.change(ctx, faults, func(lag Lag) { m.bucket().remove(key, lag, m.now()) })
}

// DeleteAll implements ltxstore.ReplicaClient.
func (m *memory) DeleteAll(ctx context.Context) error {
	p, err := m.init(ctx, "delete all")
	if err != nil {
		return err
	}
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "delete all", Level: noLevel, Done: slog.LevelInfo})
	belongs := func(key string) bool {
		_, _, _, ok := p.keys.Parse(key)
		return ok
	}
	err = m.change(ctx, m.script.match(OpDeleteAll, noLevel, 0, 0), func(lag Lag) {
		m.bucket().removeAll(p.keys.Prefix(), belongs, lag, m.now())
	})
	if err != nil {
		err = wrap("delete all", p.keys.Prefix(), err)
	}
	op.End(err)
	return err
}

// change calls do under faults: those whose answer is lost come after it.
func (m *memory) change(ctx context.Context, faults []*scripted, do func(Lag)) error {
	var lag Lag
	for _, f := range faults {
		if f.LostAnswer {
			continue
		}
		if err := m.meet(ctx, f); err != nil {
			return err
		}
	}
	for _, f := range faults {
		if lag == (Lag{}) {
			lag = f.Lag
		}
	}
	do(lag)
	for _, f := range faults {
		if !f.LostAnswer {
			continue
		}
		if err := m.meet(ctx, f); err != nil {
			return err
		}
	}
	return nil
}
