package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	adapter "github.com/ltxstore/ltxstore/litestream"
)

// Target is the state to restore. At most one field is set; the zero value
// means the newest state.
type Target struct {
	// TXID is the last transaction to restore.
	TXID ltx.TXID

	// Time is the moment to restore to: everything replicated before it is
	// included.
	Time time.Time
}

// String returns "latest", "transaction …" or the time.
func (t Target) String() string {
	switch {
	case t.TXID != 0:
		return "transaction " + t.TXID.String()
	case !t.Time.IsZero():
		return t.Time.Format(time.RFC3339Nano)
	}
	return "latest"
}

// Restore writes a replica's database into a new file, which appears whole
// or not at all. An existing file is fs.ErrExist. A replica that does not hold
// the target is litestream.ErrTxNotAvailable. logger may be nil for silence.
func Restore(ctx context.Context, client ltxstore.ReplicaClient, path string, target Target, logger *slog.Logger) (err error) {
	switch {
	case client == nil:
		return fmt.Errorf("restore: client is nil: want a replica client: %w", fs.ErrInvalid)
	case target.TXID != 0 && !target.Time.IsZero():
		return fmt.Errorf("restore: target has both a TXID, %s, and a time, %v: want one: %w", target.TXID, target.Time, fs.ErrInvalid)
	}
	if err := absent(path); err != nil {
		return fmt.Errorf("restore: %w", err)
	}

	// The engine restores without a database too, but then it logs to the
	// process's default logger.
	db := litestream.NewDB(path)
	db.Replica = adapter.Replica(db, client)
	db.SetLogger(orSilent(logger))
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()

	if err := db.Replica.Client.Init(ctx); err != nil {
		return fmt.Errorf("restore %v: %w", target, err)
	}
	opts := litestream.NewRestoreOptions()
	opts.OutputPath, opts.TXID, opts.Timestamp = path, target.TXID, target.Time
	if err := db.Replica.Restore(ctx, opts); err != nil {
		return fmt.Errorf("restore %v: %w", target, err)
	}
	return nil
}

// absent returns nil if nothing has that name.
func absent(path string) error {
	if path == "" {
		return fmt.Errorf("path is empty: want that of a new file: %w", fs.ErrInvalid)
	}
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return fmt.Errorf("%s: want a new file: %w", path, fs.ErrExist)
	case !os.IsNotExist(err):
		return err
	}
	return nil
}
