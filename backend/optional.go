package backend

import (
	"context"

	"github.com/ltxstore/ltxstore"
)

// What a client may do beyond the six methods, and those of package ltxstore, is an
// interface of one method here, found by ltxstore.As.

// Retrier is a client that may repeat failed requests itself. Retries reports
// whether it does; repeating such a client's operations would multiply the
// attempts.
type Retrier interface {
	Retries() bool
}

// Locator is a client that can distinguish its replica from every other one.
//
// Location returns a text that two clients share only if they read and write
// the same files in the same form, also in another process: a backend builds
// it from its Type, the endpoint, the bucket or directory, the path and the
// layout. It is empty if the client cannot know that, and never contains a
// secret. Location initializes the client; its cost and its errors are those
// of Init.
//
// Location must not be looked for with ltxstore.As: a wrapper in between may change what is
// stored. A wrapper that does puts its own name before the next client's location;
// one that does not returns it unchanged; one without the method has none.
type Locator interface {
	Location(ctx context.Context) (string, error)
}

// FolderLister is a client that lists the folders directly below its
// replica's path, whether they belong to a level or not. Programs use it to
// tell a person what is there instead of the expected replica. Folders
// returns the names, sorted; of a store with more than about a thousand, the
// first ones. It costs one or two requests.
type FolderLister interface {
	Folders(ctx context.Context) ([]string, error)
}

// Unwrapper is a client that wraps another. Unwrap returns the next client
// inward and never nil.
type Unwrapper interface {
	Unwrap() ltxstore.ReplicaClient
}
