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
	keys, err := m.init(ctx, "delete")
	if err != nil {
		return err
	}
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "delete", Level: noLevel, Done: slog.LevelInfo})
	var failed []error
	for _, info := range files {
		key := keys.File(info.Level, info.MinTXID, info.MaxTXID)
		err := flow.Err(ctx)
		if err == nil {
			err = m.change(ctx, m.match(OpDelete, info.Level, info.MinTXID, info.MaxTXID), func(lag Lag) {
				m.Store().remove(key, lag, m.now())
			})
		}
		if err != nil {
			failed = append(failed, wrap("delete", key, err))
		}
	}
	err = backend.Partial(typeName, "delete", failed, len(files))
	op.End(err, slog.Int("files", len(files)), slog.Int("failed", len(failed)))
	return err
}

// DeleteAll implements ltxstore.ReplicaClient.
func (m *memory) DeleteAll(ctx context.Context) error {
	keys, err := m.init(ctx, "delete all")
	if err != nil {
		return err
	}
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "delete all", Level: noLevel, Done: slog.LevelInfo})
	err = wrap("delete all", keys.Prefix(), m.change(ctx, m.match(OpDeleteAll, noLevel, 0, 0), func(lag Lag) {
		m.Store().removeAll(keys.Prefix(), func(key string) bool {
			_, _, _, ok := keys.Parse(key)
			return ok
		}, lag, m.now())
	}))
	op.End(err)
	return err
}

// change makes a request that faults hit: those with LostAnswer after it, all
// others before it.
func (m *memory) change(ctx context.Context, faults []*scripted, request func(Lag)) error {
	before, lost, lag := split(faults)
	if err := m.meetAll(ctx, before); err != nil {
		return err
	}
	m.Store().requests.Add(1)
	request(lag)
	return m.meetAll(ctx, lost)
}

// split returns the faults that come before a change of the store, those that
// come after it because its answer is lost, and the first lag of any.
func split(faults []*scripted) (before, lost []*scripted, lag Lag) {
	for _, f := range faults {
		if f.LostAnswer {
			lost = append(lost, f)
		} else {
			before = append(before, f)
		}
		if lag == (Lag{}) {
			lag = f.Lag
		}
	}
	return before, lost, lag
}
