package wrap

import "github.com/ltxstore/ltxstore"

// Chain returns store inside the wrappers. The first wrapper is the outermost: a call
// passes through them from left to right, and then to store. Without wrappers Chain
// returns store itself.
//
// Any order works. The following one is usually the right one. Wrappers in a URL or a
// file are in this order, whatever the order of their settings:
//
//	readonly         rejects writes before anything else happens
//	trace            records everything inside it
//	checksum         checks LTX files, not their stored form
//	compress         encrypted bytes do not compress
//	crypt
//	cache            blocks on a disk are encrypted
//	mirror           compresses and encrypts once for all replicas
//	metrics          counts stored bytes, and an operation once however often it is retried
//	retry            repeats only what the store does
//	throttle         limits retries too
//	store            a backend
func Chain(store ltxstore.ReplicaClient, wrappers ...Wrapper) ltxstore.ReplicaClient {
	for i := len(wrappers) - 1; i >= 0; i-- {
		store = wrappers[i](store)
	}
	return store
}
