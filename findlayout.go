package ltxstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/superfly/ltx"
)

// FindLayout looks which layout the files of a replica have. newClient returns
// a client of the replica with that layout; FindLayout closes it. That
// newClient, or what it returns, is nil is fs.ErrInvalid.
//
// A replica without a file gives found false and no error. One with files of
// two layouts is fs.ErrInvalid, and the error names both: one of them is a
// leftover, and only its owner knows which. A failed listing is returned as it
// is, and never taken for an empty one.
//
// Levels 0 to SnapshotLevel are looked at, the snapshots first, until a file is
// seen: a listing's first page each, at least 10 for each layout that has no
// files, so that a replica costs 21 to 30 requests in object stores. It is
// meant to be done once, where a person names a replica; a daemon should name
// the layout.
func FindLayout(ctx context.Context, newClient func(Layout) (ReplicaClient, error)) (layout Layout, found bool, err error) {
	if newClient == nil {
		return 0, false, Invalid("ltxstore", "list", "newClient", nil, "want a function that makes a client for a layout")
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
	for _, level := range []int{SnapshotLevel, 0, 1, 2, 3, 4, 5, 6, 7, 8} {
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
