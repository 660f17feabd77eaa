package mock

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// LTXFiles implements ltxstore.ReplicaClient.
func (m *memory) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, wrap("list", "", err)
	}
	keys, err := m.init(ctx, "list")
	if err != nil {
		return nil, err
	}
	dir := keys.LevelPrefix(level)
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "list", Level: level, Done: slog.LevelDebug})
	wrap := func(err error) error { return wrap("list", dir, err) }
	if err := wrap(m.meetAll(ctx, m.match(OpList, level, 0, 0))); err != nil {
		op.End(err)
		return nil, err
	}
	l := &listing{m: m, keys: keys, dir: dir, after: keys.Seek(level, seek), useMetadata: useMetadata}
	return op.Listing(&iterator{
		FileIterator: backend.NewPageIterator(ctx, l.next, backend.PageOptions{Seek: seek, Wrap: wrap, Logger: m.log.Get()}),
		points:       newPoints(m.match(OpNext, level, 0, 0), func(f *scripted) error { return m.meet(ctx, f) }),
		wrap:         wrap,
	}), nil
}

// LTXLevels implements ltxstore.LevelLister. It is not logged as a Call, is
// not hit by faults, and ignores Lags.
func (m *memory) LTXLevels(ctx context.Context) (levels []int, err error) {
	keys, err := m.init(ctx, "list levels")
	if err != nil {
		return nil, err
	}
	m.Store().requests.Add(1)
	for _, o := range m.Store().below(keys.Prefix()) {
		if level, _, _, ok := keys.Parse(o.key); ok {
			levels = append(levels, level)
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels), nil
}

// listing lists a level up to a key. Each page has what is in the store when the
// page is fetched, so that no more than a page is in memory.
type listing struct {
	m           *memory
	keys        *backend.Keys
	dir, after  string
	useMetadata bool
	number      int // in the store; 0 before the first page
}

// next is a backend.PageFunc.
func (l *listing) next(ctx context.Context) ([]ltx.FileInfo, bool, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, false, err
	}
	store := l.m.Store()
	if l.number == 0 {
		l.number = store.beginListing(l.dir)
	}
	store.requests.Add(1)
	objects, more := store.page(l.dir, l.after, l.m.cfg.pageSize(), l.number, l.m.now())
	files := make([]ltx.FileInfo, 0, len(objects))
	for _, o := range objects {
		l.after = o.key
		level, minTXID, maxTXID, ok := l.keys.Parse(o.key)
		if !ok {
			continue
		}
		info := ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID,
			Size: int64(len(o.Body)), CreatedAt: o.ModTime}
		if l.useMetadata && info.Size > 0 {
			if err := l.lookUp(ctx, &info, o); err != nil {
				return nil, false, fmt.Errorf("metadata of %s: %w", o.key, err)
			}
		}
		files = append(files, info)
	}
	return files, more, nil
}

// lookUp sets info.CreatedAt as clauses T1 to T3 require.
func (l *listing) lookUp(ctx context.Context, info *ltx.FileInfo, o keyed) error {
	l.m.Store().requests.Add(1)
	if err := l.m.meetAll(ctx, l.m.match(OpMetadata, info.Level, info.MinTXID, info.MaxTXID)); err != nil {
		return err
	}
	if t, ok := ltxio.MetadataTime(o.Metadata); ok {
		info.CreatedAt = t
		return nil
	}
	l.m.Store().requests.Add(1) // for the header
	t, isLTX, err := ltxio.Timestamp(o.Body[:min(len(o.Body), ltx.HeaderSize)])
	if err != nil {
		// It is an LTX file whose time cannot be read: the store's would be wrong.
		return fmt.Errorf("%w: %w", ltxstore.ErrChecksum, err)
	}
	if isLTX {
		info.CreatedAt = t
	}
	return nil
}

// iterator adds the faults of OpNext to a listing.
type iterator struct {
	ltx.FileIterator
	points
	wrap func(error) error
	err  error
}

func (it *iterator) Next() bool {
	if it.err != nil {
		return false
	}
	if it.err = it.reach(it.n); it.err == nil {
		if it.FileIterator.Next() {
			it.n++
			return true
		}
		if it.FileIterator.Err() == nil {
			it.err = it.reach(endOfBody)
		}
	}
	if it.err != nil {
		it.err = it.wrap(it.err)
		_ = it.FileIterator.Close() // the listing has not failed
	}
	return false
}

func (it *iterator) Err() error {
	if it.err != nil {
		return it.err
	}
	return it.FileIterator.Err()
}

func (it *iterator) Close() error {
	it.faults = nil
	_ = it.FileIterator.Close() // Err returns its error
	return it.Err()
}
