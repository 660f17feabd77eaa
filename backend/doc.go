// Package backend has what the author of a backend or of a wrapper needs to keep
// the contract of ltxstore.ReplicaClient: keys, the checks of arguments, the making
// of errors, the iterator over a paged listing, and the optional interfaces that
// only authors use. Most backends need no more than a driver: package object makes a
// whole client of an object store's.
package backend
