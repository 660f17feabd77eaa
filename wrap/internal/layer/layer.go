// Package layer is what the wrappers share: the base that each embeds, the client
// that is missing, the name of a file in an error, and readers that keep what the
// caller's can do. See package codec for wrappers that store files in another form.
package layer

import (
	"log/slog"

	"github.com/ltxstore/ltxstore"
)

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

// WrapFile is Wrap where the failure is about a file.
func WrapFile(next ltxstore.ReplicaClient, op string, f File, err error) error {
	if err == nil {
		return nil
	}
	return Wrap(next, op, f.String(), err)
}

// SetLogger directs the client's log if it, or a client that it wraps, has one.
func SetLogger(client ltxstore.ReplicaClient, logger *slog.Logger) {
	if c, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		c.SetLogger(logger)
	}
}
