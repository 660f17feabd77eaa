// Package backend helps the authors of backends and wrappers to keep the contract
// of [ltxstore.ReplicaClient]: it has keys, checks of arguments, constructors of
// errors, the iterator over a paged listing, and optional interfaces that only
// authors use.
//
// Most backends need only a driver: package
// [github.com/ltxstore/ltxstore/backend/object] implements a whole client over
// the driver of an object store, and package
// [github.com/ltxstore/ltxstore/backend/tree] over that of a store of files and
// directories. Package [github.com/ltxstore/ltxstore/backend/settings] decodes
// and registers their configuration.
package backend
