// Package backend has what the author of a backend or of a wrapper needs to keep
// the contract of ltxstore.ReplicaClient: the checks of arguments, the making of
// errors, and the iterator over a paged listing. Most backends need no more than a
// driver: package object makes a whole client of an object store's.
package backend
