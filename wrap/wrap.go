// Package wrap combines wrappers: clients that add something to any other
// [ltxstore.ReplicaClient], the next client. Each is a package with a constructor
// New(next, cfg):
//
//   - [github.com/ltxstore/ltxstore/wrap/cache] keeps listings and blocks of files
//   - [github.com/ltxstore/ltxstore/wrap/checksum] checks LTX files as they are written and read
//   - [github.com/ltxstore/ltxstore/wrap/compress] stores files compressed with zstd
//   - [github.com/ltxstore/ltxstore/wrap/crypt] stores files encrypted with age
//   - [github.com/ltxstore/ltxstore/wrap/metrics] counts operations for Prometheus
//   - [github.com/ltxstore/ltxstore/wrap/mirror] keeps a replica in several stores
//   - [github.com/ltxstore/ltxstore/wrap/readonly] rejects writes and deletions
//   - [github.com/ltxstore/ltxstore/wrap/retry] repeats failed operations of clients that do not do so themselves
//   - [github.com/ltxstore/ltxstore/wrap/throttle] limits bytes and operations per second
//   - [github.com/ltxstore/ltxstore/wrap/trace] records OpenTelemetry spans
//
// # What wrappers have in common
//
// A wrapper keeps the contract of ReplicaClient; its documentation names the
// exceptions. New does not fail: an invalid Config is reported by Init and by every
// other method, as backends do. Type returns the next client's Type, so that metrics
// and logs name the store. Init, SetLogger and Close act on the next client too; its
// other optional interfaces are found by [ltxstore.As], through Unwrap.
package wrap

import "github.com/ltxstore/ltxstore"

// Wrapper returns a client around next.
type Wrapper func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient

// With returns a Wrapper for Chain that calls newClient with cfg:
//
//	wrap.With(readonly.New, readonly.Config{})
func With[C any, W ltxstore.ReplicaClient](newClient func(next ltxstore.ReplicaClient, cfg C) W, cfg C) Wrapper {
	return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return newClient(next, cfg) }
}
