package backend

import (
	"context"

	"github.com/ltxstore/ltxstore"
)

// What a client may do beyond the six methods, and those of package ltxstore, is an
// interface of one method here, found by ltxstore.As.

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
// Location must not be looked for with ltxstore.As: a wrapper in between may change what is
// stored. A wrapper that does puts its own name before the next client's location;
// one that does not returns it unchanged; one without the method has none.
type Locator interface {
	Location(ctx context.Context) (string, error)
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
	Unwrap() ltxstore.ReplicaClient
}
