// Package tree implements [ltxstore.ReplicaClient] for stores of files and directories:
// SFTP, WebDAV, a disk. A backend provides a [Tree], in which each method does one thing,
// or for a local disk a [Disk]; [Client] keeps the whole contract on top of it, in the
// same way for all stores:
//
//   - argument checks, names, logs and errors;
//   - writes: the header check, a temporary file in the same directory, publishing it
//     with a rename, or with a link or move that replaces nothing for write-once, even
//     if responses are lost, and cleaning up after failures;
//   - reads: ranges, and resuming pinned to one version;
//   - listings: sorted, with the timestamps of the files' headers;
//   - deletions, DeleteAll, and sweeping temporary files of killed writers;
//   - retries of each call with one policy. A Tree must not retry.
//
// A Tree only translates: arguments to a request, a response to an [Info], an error to a
// [Failure]. [Traits] describes what a store cannot do.
//
// Package [github.com/ltxstore/ltxstore/backend/object] is for object stores.
package tree
