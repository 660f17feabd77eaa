package backend

import (
	"context"

	"github.com/ltxstore/ltxstore"
)

// Optional interfaces of clients, in addition to those of package ltxstore. Each has
// one method and is found with ltxstore.As.

// Retrier is a client that may repeat failed requests itself. Retries reports
// whether it does; repeating such a client's operations would multiply the
// attempts.
type Retrier interface {
	Retries() bool
}

// Locator is a client that can identify its replica.
//
// Location returns a text that two clients, even in different processes, share only if
// they read and write the same files in the same form. A backend builds it from its
// Type, the endpoint, the bucket or directory, the path and the layout. It is empty if
// the location is unknown, and never contains a secret. Location initializes the client,
// and has the cost and errors of Init.
//
// Do not use ltxstore.As to find a Locator, because a wrapper in between may change what
// is stored. Such a wrapper puts its own name before the next client's location; others
// return that unchanged; one without the method has no location.
type Locator interface {
	Location(ctx context.Context) (string, error)
}

// FolderLister is a client that lists the folders directly below its replica's path,
// whether they belong to a level or not. Programs use it to show what exists instead of
// the expected replica. Folders returns the sorted names, but only the first thousand or
// so. It costs one or two requests.
type FolderLister interface {
	Folders(ctx context.Context) ([]string, error)
}

// Unwrapper is a client that wraps another. Unwrap returns the wrapped client, which is
// never nil.
type Unwrapper interface {
	Unwrap() ltxstore.ReplicaClient
}
