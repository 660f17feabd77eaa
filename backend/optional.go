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
