package ltxstore

import (
	"context"
	"io"
	"log/slog"
)

// Everything that a client can do in addition to the methods of ReplicaClient
// is an interface of one method, which As finds through any stack of
// wrappers.

// Initializer validates a client's configuration and connects.
//
// Init is idempotent and safe for concurrent use. An Init that fails leaves
// no state, and the next call tries again. Every method initializes the
// client if need be, so callers need Init only to fail early. The client does
// not use ctx after Init has returned.
type Initializer interface {
	Init(ctx context.Context) error
}

// LoggerSetter sets the logger of a client. SetLogger may be called at any
// time, also concurrently with other methods. With a nil logger, the client
// logs nothing.
type LoggerSetter interface {
	SetLogger(logger *slog.Logger)
}

// LevelLister lists the levels of a replica. LTXLevels returns, in ascending
// order, every level that holds an LTX file; empty levels may be among them
// (clause L7). It costs one request for about 1,000 names in the folder of
// the levels, and at least one. The function Levels works for clients without
// it.
type LevelLister interface {
	LTXLevels(ctx context.Context) ([]int, error)
}

// As returns the first client in a stack of wrappers, from the outside
// inward, that is a T: an optional interface or the type of a backend's
// client.
func As[T any](client ReplicaClient) (T, bool) {
	for client != nil {
		if found, ok := client.(T); ok {
			return found, true
		}
		wrapper, ok := client.(interface{ Unwrap() ReplicaClient })
		if !ok {
			break
		}
		client = wrapper.Unwrap()
	}
	var zero T
	return zero, false
}

// Init initializes the client if it, or a client that it wraps, is an
// Initializer; otherwise it does nothing. A nil client is fs.ErrInvalid.
func Init(ctx context.Context, client ReplicaClient) error {
	if err := checkClient(client, "init"); err != nil {
		return err
	}
	if c, ok := As[Initializer](client); ok {
		return c.Init(ctx)
	}
	return nil
}

// Close releases the client's connections and handles if it, or a client that
// it wraps, is an io.Closer; otherwise, or if client is nil, it does nothing.
func Close(client ReplicaClient) error {
	if c, ok := As[io.Closer](client); ok {
		return c.Close()
	}
	return nil
}
