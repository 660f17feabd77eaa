// Package object implements [ltxstore.ReplicaClient] for object stores. A backend
// provides a [Bucket], in which each method is one request; [Client] keeps the whole
// contract on top of it, in the same way for all stores:
//
//   - keys and layouts, argument checks, logs and errors;
//   - writes: the header check, a single request for a small body, parts of growing
//     size for a large one, limited memory, cleaning up after failures, and
//     write-once even if responses are lost;
//   - reads: ranges, resuming pinned to one version, parallel reads of large files;
//   - listings: fetching pages in advance, stores that do not sort, and timestamps;
//   - deletions: batches, retries of single keys, DeleteAll;
//   - retries of each request with one policy. A Bucket must not retry.
//
// A Bucket only translates: arguments to a request, a response to an [Object], an
// error to a [Failure]. It must check that a response is from its store (the right
// root element or kind, the right bucket and prefix), because a proxy's page with
// status 200 or 404 says nothing about the store.
//
// Some abilities are optional interfaces: [Multipart] for stores that assemble large
// objects from parts, [Streamer] for those that accept a body of unknown length,
// [Retractor] for those that can delete one version. [Traits] describes what a store
// cannot do.
//
// Package [github.com/ltxstore/ltxstore/backend/tree] is for stores of files and
// directories, and [github.com/ltxstore/ltxstore/backend/transport] for services over
// HTTP.
package object
