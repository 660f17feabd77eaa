// Package wrap stacks clients that add something to any ltxstore.ReplicaClient:
// each in a folder of its own, with a constructor New(next, cfg).
//
//   - cache: keeps listings and blocks of files
//   - compress: stores zstd, in frames that are decoded one by one
//   - crypt: stores age files
//   - mirror: several replicas as one
//   - readonly: refuses to write and to delete
//   - metrics: counts operations for Prometheus
//   - retry: repeats what failed, for clients that do not
//   - throttle: limits the bytes and the operations of a second
//   - trace: makes OpenTelemetry spans of operations
//   - checksum: checks LTX files on their way
//
// # What every wrapper keeps
//
// A wrapper is a ReplicaClient that keeps the whole contract, and says where it
// does not. New cannot fail: what is wrong with a Config is told by Init and by
// every method, as by a backend. Type is the next client's, so that metrics and
// log lines name the store. Init, SetLogger and Close act on the next client
// too; what else it may be is found by ltxstore.As, through Unwrap.
package wrap

import "github.com/ltxstore/ltxstore"

// Wrapper makes a client around another.
type Wrapper func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient

// With is a wrapper's New with its Config, for Chain:
//
//	wrap.With(readonly.New, readonly.Config{})
func With[C any, W ltxstore.ReplicaClient](newClient func(next ltxstore.ReplicaClient, cfg C) W, cfg C) Wrapper {
	return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return newClient(next, cfg) }
}
