// Package body carries the caller's reader into a store's requests: read in
// place where it can be read again, through pooled buffers where it cannot,
// and guarded, because a transport reads bodies in goroutines of its own.
package body
