// Package layer has what the wrappers share: the [Client] that each embeds, names of files in
// errors, and readers that keep the caller's optional interfaces. See package [github.com/ltxstore/ltxstore/wrap/internal/codec] for
// wrappers that store files in another form.
package layer

import (
	"log/slog"

	"github.com/ltxstore/ltxstore"
)

// Typed is a client, or the Next that has it.
type Typed interface{ Type() string }

// Wrap returns an *ltxstore.Error for a wrapper's own failure. An *ltxstore.Error of the
// next client, and nil, stay as they are. key may be empty.
func Wrap(next Typed, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*ltxstore.Error); ok {
		return err
	}
	return &ltxstore.Error{Op: op, Backend: next.Type(), Key: key, Kind: ltxstore.KindOf(err), Err: err}
}

// WrapFile is Wrap for a failure that is about a file.
func WrapFile(next Typed, op string, f File, err error) error {
	if err == nil {
		return nil
	}
	return Wrap(next, op, f.String(), err)
}

// SetLogger sets the logger of the client, or of the client that it wraps.
func SetLogger(client ltxstore.ReplicaClient, logger *slog.Logger) {
	if c, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		c.SetLogger(logger)
	}
}
