// Package layer is what the wrappers share that leave content as it is: the
// client that is not there, the name of a file in an error, and readers that
// keep what the caller's can do.
package layer

import (
	"fmt"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// File names a file of the replica in an error. A wrapper does not know its key.
func File(level int, minTXID, maxTXID ltx.TXID) string {
	return fmt.Sprintf("level %d %s", level, ltx.FormatFilename(minTXID, maxTXID))
}

// Wrap makes an *ltxstore.Error of a wrapper's own failure, nil of nil; one that
// the next client has made stays as it is. key may be empty.
func Wrap(next ltxstore.ReplicaClient, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*ltxstore.Error); ok {
		return err
	}
	return &ltxstore.Error{Op: op, Backend: next.Type(), Key: key, Kind: ltxstore.KindOf(err), Err: err}
}

// SetLogger directs the client's log if it, or a client that it wraps, has one.
func SetLogger(client ltxstore.ReplicaClient, logger *slog.Logger) {
	if c, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		c.SetLogger(logger)
	}
}
