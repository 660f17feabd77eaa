package daemon

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/restore"
)

// Window is the range of states that can be restored: the oldest, the newest, and
// those between for which there are files.
type Window struct {
	At      time.Time `json:"at"` // when it was determined
	Oldest  time.Time `json:"oldest,omitzero"`
	Newest  time.Time `json:"newest,omitzero"`
	TXID    ltx.TXID  `json:"txid"`              // the newest
	Failure string    `json:"failure,omitempty"` // why it is unknown
}

// windowAge is how long a window is used. Determining it costs a few listings.
const windowAge = time.Minute

// stale reports whether to determine the window again. It is always true for an
// empty replica, which will soon have files.
func (w Window) stale() bool {
	return time.Since(w.At) > windowAge || w.TXID == 0 && w.Failure == ""
}

// findWindow determines what can be restored.
func findWindow(ctx context.Context, client ltxstore.ReplicaClient) Window {
	w := Window{At: time.Now()}
	plan, err := restore.NewPlan(ctx, client, restore.Target{}, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return w
	}
	if err == nil {
		w.TXID = plan.TXID()
		w.Newest, err = timeOf(ctx, client, plan.Files[len(plan.Files)-1])
	}
	if err == nil {
		w.Oldest, err = oldest(ctx, client)
	}
	if err != nil {
		w.Failure = err.Error()
	}
	return w
}

// timeOf returns the time of a file's last transaction.
func timeOf(ctx context.Context, client ltxstore.ReplicaClient, info *ltx.FileInfo) (time.Time, error) {
	header, err := ltxstore.FetchLTXHeader(ctx, client, info)
	return time.UnixMilli(header.Timestamp).UTC(), err
}

// oldest returns the time of the oldest file that starts with the first transaction
// and is therefore a complete state. Such files are the first of their levels.
func oldest(ctx context.Context, client ltxstore.ReplicaClient) (first time.Time, err error) {
	levels, err := ltxstore.Levels(ctx, client)
	if err != nil {
		return first, err
	}
	for _, level := range levels {
		files, err := client.LTXFiles(ctx, level, 0, false)
		if err != nil {
			return first, err
		}
		var info *ltx.FileInfo
		if files.Next() {
			info = files.Item()
		}
		if err := files.Close(); err != nil {
			return first, err
		}
		if info == nil || info.MinTXID != 1 {
			continue
		}
		at, err := timeOf(ctx, client, info)
		if err != nil {
			return first, err
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, nil
}
