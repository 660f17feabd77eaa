package mock

import (
	"context"
	"fmt"
	"log/slog"

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
	p, err := m.init(ctx, "list")
	if err != nil {
		return nil, err
	}
	dir := p.keys.LevelPrefix(level)
	op := m.log.Start(ctx, oplog.Op{Replica: typeName, Name: "list", Level: level, Done: slog.LevelDebug})
	for _, f := range m.script.match(OpList, level, 0, 0) {
		if err := m.meet(ctx, f); err != nil {
			err = wrap("list", dir, err)
			op.End(err)
			return nil, err
		}
	}

	l := &listing{m: m, place: p, dir: dir, after: p.keys.Seek(level, seek), useMetadata: useMetadata}
	failure := func(err error) error { return wrap("list", dir, err) }
	it := &iterator{op: op, wrap: failure, meet: func(f *scripted) error { return m.meet(ctx, f) }}
	it.FileIterator = backend.NewPageIterator(ctx, l.next,
		backend.PageOptions{Seek: seek, Wrap: failure, Logger: m.log.Get()})
	for _, f := range m.script.match(OpNext, level, 0, 0) {
		it.points.add(f)
	}
	return it, nil
}

// listing is a level's listing up to a key. Each page is what the store has
// when the page is fetched, so that no more than a page is held.
type listing struct {
	m           *memory
	place       *place
	dir, after  string
	useMetadata bool
	number      int // as the store counts; 0 before the first page
}

// next is an backend.PageFunc.
func (l *listing) next(ctx context.Context) ([]ltx.FileInfo, bool, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, false, err
	}
	store, now := l.m.bucket(), l.m.now()
	if l.number == 0 {
		l.number = store.beginListing(l.dir, now)
	}
	objects, more := store.page(l.dir, l.after, l.place.pageSize, l.number, now)
	files := make([]ltx.FileInfo, 0, len(objects))
	for _, o := range objects {
		l.after = o.key
		level, minTXID, maxTXID, ok := l.place.keys.Parse(o.key)
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

// lookUp sets info.CreatedAt as clauses T1 to T3 want it.
func (l *listing) lookUp(ctx context.Context, info *ltx.FileInfo, o listedObject) error {
	l.m.bucket().bill()
	for _, f := range l.m.script.match(OpMetadata, info.Level, info.MinTXID, info.MaxTXID) {
		if err := l.m.meet(ctx, f); err != nil {
			return err
		}
	}
	if t, ok := ltxio.MetadataTime(o.Metadata); ok {
		info.CreatedAt = t
		return nil
	}
	l.m.bucket().bill() // for the header
	t, isLTX, err := ltxio.Timestamp(o.Body[:min(len(o.Body), ltx.HeaderSize)])
	if err != nil {
		// The file is LTX's and has a time, which is not the store's: any
		// answer would be a wrong one.
		return fmt.Errorf("%w: %w", ltxstore.ErrChecksum, err)
	}
	if isLTX {
		info.CreatedAt = t
	}
	return nil
}

// iterator adds the faults of OpNext and the log to a listing.
type iterator struct {
	ltx.FileIterator
	points points
	meet   func(*scripted) error
	wrap   func(error) error
	op     oplog.Op
	n      int64
	err    error
	ended  bool
}

func (it *iterator) Next() bool {
	if it.ended {
		return false
	}
	if err := it.points.reach(it.n, it.meet); err != nil {
		return it.fail(err)
	}
	if it.FileIterator.Next() {
		it.n++
		return true
	}
	if it.FileIterator.Err() == nil {
		if err := it.points.reach(endOfBody, it.meet); err != nil {
			return it.fail(err)
		}
	}
	it.end()
	return false
}

func (it *iterator) Err() error {
	if it.err != nil {
		return it.err
	}
	return it.FileIterator.Err()
}

func (it *iterator) Close() error {
	_ = it.FileIterator.Close() // Err has what it returns
	it.end()
	return it.Err()
}

func (it *iterator) fail(err error) bool {
	it.err = it.wrap(err)
	_ = it.FileIterator.Close()
	it.end()
	return false
}

func (it *iterator) end() {
	if !it.ended {
		it.ended = true
		it.op.End(it.Err(), slog.Int64("files", it.n))
	}
}
