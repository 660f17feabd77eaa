package ltxstore

import (
	"context"
	"io"
	"log/slog"
)

// What a client may do beyond the six methods is an interface of one method
// here, found by As through any stack of wrappers.

// Initializer validates a client's configuration and connects.
//
// Init is idempotent and safe from many goroutines. A failed Init leaves no
// state: the next call tries again. Every method calls it lazily, so that a
// caller needs it only to fail early. ctx may end after Init has returned.
type Initializer interface {
	Init(ctx context.Context) error
}

// LoggerSetter directs a client's log. SetLogger may be called at any time,
// also beside other methods; nil silences the client.
type LoggerSetter interface {
	SetLogger(logger *slog.Logger)
}

// LevelLister is a client that finds out which levels a replica has. LTXLevels
// returns every level that holds an LTX file, sorted; others, which hold none,
// may be among them (clause L7). It costs about one request for each 1000 names
// beside the levels' folders, at least one. Levels falls back where there is none.
type LevelLister interface {
	LTXLevels(ctx context.Context) ([]int, error)
}

// As returns the first client in the stack, from the outside inward, that is
// a T: an optional interface, or a backend's concrete type.
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
// Initializer; else it does nothing. A client that is nil is fs.ErrInvalid.
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
// it wraps, is an io.Closer; else, and if client is nil, it does nothing.
func Close(client ReplicaClient) error {
	if c, ok := As[io.Closer](client); ok {
		return c.Close()
	}
	return nil
}
