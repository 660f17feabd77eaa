// Package backend has what the author of a backend or of a wrapper needs to
// keep the contract of ltxstore.ReplicaClient: keys, checks of arguments,
// constructors of errors, the iterator over a paged listing, and the optional
// interfaces that only authors use. Most backends need no more than a driver:
// package [github.com/ltxstore/ltxstore/backend/object] turns the driver of
// an object store into a whole client, package
// [github.com/ltxstore/ltxstore/backend/tree] that of a store of files and
// directories.
package backend
