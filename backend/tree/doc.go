// Package tree makes an [ltxstore.ReplicaClient] of a store of files and
// directories: SFTP, WebDAV, a disk. A backend supplies a [Tree], which does one
// thing a method, or for a disk of this machine a [Disk]; [Client] keeps the
// whole contract on top of it, once for all stores:
//
//   - argument checks, names, logs and errors;
//   - writes: the header check, a temporary in the same directory, its publication
//     by a rename, or by a link or a move that replaces nothing with
//     write-once, also after answers that were lost, and nothing left of a
//     failure;
//   - reads: ranges, and resumption pinned to one version;
//   - listings: sorted, with the timestamps of the files' headers;
//   - deletions, DeleteAll, and the sweep of temporaries that a dead writer left;
//   - retries, around each call, by one policy. A Tree must not retry.
//
// A Tree translates: arguments to a request, an answer to an [Info], an error
// to a [Failure]. [Traits] say what a store cannot do.
package tree
