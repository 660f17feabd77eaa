package tree

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// pageSize is how many files' headers are read for one page.
const pageSize = 256

// LTXFiles implements ltxstore.ReplicaClient.
//
// The first Next costs one List of the whole level, because directories come in
// no order (clause L3), and keeps what that tells of each file from seek on.
//
// Without useMetadata CreatedAt is the modification time, which a store may be
// unable to set and which has whole seconds in most. With it each file's header
// is read, Store.MetadataConcurrency at once, a page of 256 ahead of the caller;
// a file that is deleted meanwhile is left out, and one that starts with the LTX
// magic and has no valid header ends the listing with ErrChecksum (clause T3).
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, c.refuse("list", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: c.cfg.Type, Name: "list", Level: level, Done: slog.LevelDebug})
	prefix := r.Keys.LevelPrefix(level)
	l := &listing{replica: r, level: level, seek: seek, headers: useMetadata}
	it := backend.NewPageIterator(ctx, l.page, backend.PageOptions{
		Seek:   seek,
		Wrap:   func(err error) error { return r.wrap("list", prefix, flow.Ended(ctx, err)) },
		Logger: c.log.Get(),
	})
	return op.Listing(it), nil
}

// listing is one call of LTXFiles.
type listing struct {
	*replica
	level   int
	seek    ltx.TXID
	headers bool

	listed bool
	files  []ltx.FileInfo // those still to be returned
}

// page is a backend.PageFunc.
func (l *listing) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	if !l.listed {
		if err := l.list(ctx); err != nil {
			return nil, false, err
		}
		l.listed = true
	}
	next := l.files[:min(pageSize, len(l.files))]
	l.files = l.files[len(next):]
	if !l.headers {
		return next, len(l.files) > 0, nil
	}
	gone := make([]bool, len(next))
	err = flow.All(ctx, len(next), max(l.MetadataConcurrency, 1), func(ctx context.Context, i int) error {
		if next[i].Size == 0 {
			return nil // the iterator reports it
		}
		err := l.readHeader(ctx, &next[i])
		if gone[i] = l.is(err, fs.ErrNotExist); gone[i] {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	for i, file := range next {
		if !gone[i] {
			files = append(files, file)
		}
	}
	return files, len(l.files) > 0, nil
}

// list reads the level, sorted.
func (l *listing) list(ctx context.Context) error {
	err := l.do(ctx, func(ctx context.Context) error {
		l.files = nil
		return l.Tree.List(ctx, dirOf(l.Keys.LevelPrefix(l.level)), func(e Entry) {
			minTXID, maxTXID, ok := backend.ParseFilename(e.Name)
			if ok && e.Mode.IsRegular() && minTXID >= l.seek {
				l.files = append(l.files, ltx.FileInfo{Level: l.level, MinTXID: minTXID, MaxTXID: maxTXID,
					Size: e.Size, CreatedAt: e.Modified.UTC()})
			}
		})
	})
	if l.is(err, fs.ErrNotExist) {
		return nil // never written to, or deleted
	}
	slices.SortFunc(l.files, func(a, b ltx.FileInfo) int {
		return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
	})
	return err
}

// readHeader sets a file's time to its header's, if it has one.
func (r *replica) readHeader(ctx context.Context, info *ltx.FileInfo) error {
	key := r.Keys.File(info.Level, info.MinTXID, info.MaxTXID)
	body, err := r.open(ctx, key, 0, ltx.HeaderSize)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	defer body.Close()
	first, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	at, isLTX, err := ltxio.Timestamp(first)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", key, ltxstore.ErrChecksum, err)
	}
	if isLTX {
		info.CreatedAt = at
	}
	return nil
}
