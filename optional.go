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

// Retrier is a client that may repeat failed requests itself. Retries reports
// whether it does: to repeat such a client's operations would multiply the
// attempts.
type Retrier interface {
	Retries() bool
}

// Locator is a client that can tell its replica from every other.
//
// Location returns a text that two clients share only if they read and write the
// same files in the same form, also in another process: a backend builds it from
// its Type, the endpoint, the bucket or directory, the path and the layout. It is
// empty if the client cannot know that. It has no secret in it. Location
// initializes the client, and costs and fails as Init does.
//
// Location must not be looked for with As: a wrapper in between may change what is
// stored. A wrapper that does puts its own name before the next client's location;
// one that does not returns it unchanged; one without the method has none.
type Locator interface {
	Location(ctx context.Context) (string, error)
}

// LevelLister is a client that finds out which levels a replica has. LTXLevels
// returns every level that holds an LTX file, sorted; others, which hold none,
// may be among them (clause L7). It costs about one request for each 1000 names
// beside the levels' folders, at least one. Levels falls back where there is none.
type LevelLister interface {
	LTXLevels(ctx context.Context) ([]int, error)
}

// FolderLister is a client that tells which folders are right below its
// replica's path, a level's or anybody's: what is there, where a replica was
// expected. Folders returns their names, sorted, the first thousand or so of a
// store; none if there is nothing. It costs one request, or two, and is meant for
// messages to a person.
type FolderLister interface {
	Folders(ctx context.Context) ([]string, error)
}

// Unwrapper is a client that wraps another. Unwrap returns the next client
// inward and never nil.
type Unwrapper interface {
	Unwrap() ReplicaClient
}

// As returns the first client in the stack, from the outside inward, that is
// a T: an optional interface, or a backend's concrete type.
func As[T any](client ReplicaClient) (T, bool) {
	for client != nil {
		if found, ok := client.(T); ok {
			return found, true
		}
		wrapper, ok := client.(Unwrapper)
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
