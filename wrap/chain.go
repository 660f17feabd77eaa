package wrap

import "github.com/ltxstore/ltxstore"

// Chain returns store inside the wrappers, the first of which is the outermost:
// a call goes through them from left to right, then to store. Without wrappers
// it is store itself.
//
// Any order works. This one does what is usually meant:
//
//	trace, metrics   what the caller asked for, and how long it took
//	readonly         refuses before anything else is done
//	verify           sees LTX files as they are: outside compress and crypt
//	cache            keeps what need not be decoded, or asked for, again; what
//	                 it keeps is not encrypted, unless it is inside crypt
//	compress         what is encrypted does not compress any more
//	crypt
//	retry            repeats one request, not the work of those before it
//	throttle         counts what goes over the wire, repetitions included
//	store            a backend, or mirror over several
//
// Metrics of what the store itself is asked for, with repetitions, are those of a
// second metrics right before the store.
func Chain(store ltxstore.ReplicaClient, wrappers ...Wrapper) ltxstore.ReplicaClient {
	for i := len(wrappers) - 1; i >= 0; i-- {
		store = wrappers[i](store)
	}
	return store
}
