package ltxstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/superfly/ltx"
)

// FindLayout finds out which layout the files of a replica have. newClient
// returns a client of the replica with that layout; FindLayout closes it. A nil
// newClient, or a nil client from it, is fs.ErrInvalid.
//
// A replica without a file gives found false and no error. One with files of
// two layouts is fs.ErrInvalid, and the error names both: one of them is a
// leftover, and only its owner knows which. A failed listing is returned as it
// is, and never taken for an empty one.
//
// It costs what LTXLevels does for each layout, and a listing's first page for
// each level that there is, the snapshots first, until a file is seen: an empty
// place costs 4 requests in an object store, a replica about one more. Of a
// client that is no LevelLister, levels 0 to SnapshotLevel are listed instead. It is
// meant to be done once, where a person names a replica; a daemon should name
// the layout.
func FindLayout(ctx context.Context, newClient func(Layout) (ReplicaClient, error)) (layout Layout, found bool, err error) {
	if newClient == nil {
		return 0, false, invalid("ltxstore", "list", "newClient", nil, "want a function that makes a client for a layout")
	}
	for candidate := range layoutCount {
		has, err := holdsFiles(ctx, candidate, newClient)
		switch {
		case err != nil:
			return 0, false, err
		case has && found:
			return 0, false, fmt.Errorf("the replica has files of the layouts %v and %v: want one of them named: %w", layout, candidate, fs.ErrInvalid)
		case has:
			layout, found = candidate, true
		}
	}
	return layout, found, nil
}

func holdsFiles(ctx context.Context, layout Layout, newClient func(Layout) (ReplicaClient, error)) (has bool, err error) {
	client, err := newClient(layout)
	if err != nil {
		return false, err
	}
	if err := checkClient(client, "list"); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, Close(client)) }()
	levels := usualLevels()
	if lister, ok := As[LevelLister](client); ok {
		if levels, err = lister.LTXLevels(ctx); err != nil {
			return false, err
		}
	}
	if at := slices.Index(levels, SnapshotLevel); at > 0 {
		levels = slices.Insert(slices.Delete(slices.Clone(levels), at, at+1), 0, SnapshotLevel)
	}
	for _, level := range levels {
		if has, err = holdsLevel(ctx, client, level); has || err != nil {
			return has, err
		}
	}
	return false, nil
}

func holdsLevel(ctx context.Context, client ReplicaClient, level int) (bool, error) {
	files, err := client.LTXFiles(ctx, level, ltx.TXID(0), false)
	if err != nil {
		return false, err
	}
	has := files.Next()
	return has, files.Close()
}
