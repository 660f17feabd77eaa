// Package object makes an [ltxstore.ReplicaClient] of an object store. A
// backend supplies a [Bucket], which sends one request a method; [Client] keeps
// the whole contract on top of it, once for all stores:
//
//   - keys and layouts, argument checks, logs and errors;
//   - writes: the header check, a single request for a small body, parts of
//     growing size for a large one, bounded memory, nothing left of a failure,
//     and write-once resolved after answers that were lost;
//   - reads: ranges, resumption pinned to one version, parts read in parallel;
//   - listings: pages fetched ahead, stores that do not sort, timestamps and
//     where they come from;
//   - deletions: batches, retries of single keys, DeleteAll;
//   - retries, around each request, by one policy. A Bucket must not retry.
//
// A Bucket translates: arguments to a request, an answer to an [Object], an
// error to a [Failure]. It checks that an answer is one of its store's (the
// right root element or kind, the right bucket and prefix), because a proxy's
// page under status 200 or 404 says nothing about the store. Everything else is
// decided here.
//
// Some abilities are optional interfaces: [Multipart] for stores that assemble
// large objects of parts, [Streamer] for those that take a body of unknown
// length, [Retractor] for those that can delete one version. [Traits] tells
// what a store cannot do.
package object
