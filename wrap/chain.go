package wrap

import "github.com/ltxstore/ltxstore"

// Chain returns store inside the wrappers, the first of which is the outermost:
// a call goes through them from left to right, then to store. Without wrappers
// it is store itself.
//
// Any order works. This one does what is usually meant, and is that of wrappers in
// a URL or a file, whatever the order of their settings:
//
//	readonly         refuses before anything else is done
//	trace            sees all that those inside do
//	checksum         sees what the daemon wrote, not what is stored of it
//	compress         what is encrypted does not compress any more
//	crypt
//	cache            what it keeps on a disk is encrypted
//	mirror           compressed and encrypted once, and repeated and throttled one by one
//	metrics          counts what is stored, and a request with its repetitions once
//	retry            repeats one request, not the work of those before it
//	throttle         what is sent again counts again
//	store            a backend
func Chain(store ltxstore.ReplicaClient, wrappers ...Wrapper) ltxstore.ReplicaClient {
	for i := len(wrappers) - 1; i >= 0; i-- {
		store = wrappers[i](store)
	}
	return store
}
