package ltxstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/superfly/ltx"
)

// FindLayout returns the layout of a replica's files. newClient returns a
// client of the replica with the given layout, which FindLayout closes. A nil
// newClient, or a nil client from it, is fs.ErrInvalid.
//
// If the replica has no files, found is false and err is nil. If it has files in
// two layouts, the error is fs.ErrInvalid and names both: one of them is a
// leftover, and only the owner knows which. Levels from 1000 on have the same
// names in LayoutDefault and LayoutLitestream: the lower levels decide, and if
// there are none the layout is LayoutDefault. The error of a listing is returned
// unchanged: a listing that failed is not an empty one.
//
// For each layout, FindLayout costs what LTXLevels does plus the first page
// of a listing of each existing level, the snapshots first, until a file is
// found. In an object store that is 4 requests for an empty replica and about
// one more for others. If a client is not a LevelLister, FindLayout lists the
// levels 0 to SnapshotLevel instead. It is meant for commands, where a user names
// a replica; the layout of a daemon's replicas should be configured.
func FindLayout(ctx context.Context, newClient func(Layout) (ReplicaClient, error)) (layout Layout, found bool, err error) {
	if newClient == nil {
		return 0, false, invalid("ltxstore", "list", "newClient", nil, "want a function that makes a client for a layout")
	}
	own := false // the layout has files that no other layout could have
	for candidate := range layoutCount {
		level, has, err := holdsFiles(ctx, candidate, newClient)
		isAlike := candidate == LayoutLitestream && layout == LayoutDefault && found
		switch {
		case err != nil:
			return 0, false, err
		case !has, isAlike && level >= alike:
		case isAlike && !own:
			layout, own = candidate, true
		case found:
			return 0, false, fmt.Errorf("the replica has files in the layouts %v and %v: set layout to one of them: %w", layout, candidate, fs.ErrInvalid)
		default:
			layout, found, own = candidate, true, candidate == LayoutLitestreamS3 || level < alike
		}
	}
	return layout, found, nil
}

// alike is the first level with the same name in LayoutDefault and LayoutLitestream.
const alike = 1000

// holdsFiles returns the lowest level that has files; that of the snapshots
// counts as the highest.
func holdsFiles(ctx context.Context, layout Layout, newClient func(Layout) (ReplicaClient, error)) (level int, has bool, err error) {
	client, err := newClient(layout)
	if err != nil {
		return 0, false, err
	}
	if err := checkClient(client, "list"); err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, Close(client)) }()
	levels := usualLevels()
	if lister, ok := As[LevelLister](client); ok {
		if levels, err = lister.LTXLevels(ctx); err != nil {
			return 0, false, err
		}
	}
	if at := slices.Index(levels, SnapshotLevel); at > 0 {
		levels = slices.Insert(slices.Delete(slices.Clone(levels), at, at+1), 0, SnapshotLevel)
	}
	for _, level = range levels {
		if has, err = holdsLevel(ctx, client, level); has || err != nil {
			return level, has, err
		}
	}
	return 0, false, nil
}

func holdsLevel(ctx context.Context, client ReplicaClient, level int) (bool, error) {
	files, err := client.LTXFiles(ctx, level, ltx.TXID(0), false)
	if err != nil {
		return false, err
	}
	has := files.Next()
	return has, files.Close()
}
