package ltxstore

import (
	"context"
	"io"

	"github.com/superfly/ltx"
)

// SnapshotLevel is the level of full snapshots. Level 0 holds the files as
// the daemon wrote them, levels 1 to 8 their compactions.
const SnapshotLevel = 9

// ReplicaClient writes, lists, reads and deletes the LTX files of one
// replica: one database's files at one place of one store.
//
// A file is named by its level (0 to MaxLevel) and the first and last
// transaction it holds (minTXID ≤ maxTXID). The clauses below are the whole
// contract; docs/contract.md names the conformance cases that prove each, and
// package testing/replicatest runs them against any implementation. The error of
// every method is an *Error, of one kind or of none.
//
// # All methods
//
//   - C1: all methods are safe for concurrent use.
//   - C2: a context that ends stops every method promptly, with an error for
//     which errors.Is(err, ctx.Err()); nothing is started under a context that
//     is already done. A Read of the caller's own reader is not interrupted:
//     the context is checked between reads. The error of a Read that returns
//     after the context has ended is ignored, also if it is io.EOF.
//   - C3: no goroutine outlives its call, iterator or reader.
//   - C4: no credential, signed URL or key reaches a log line or an error.
type ReplicaClient interface {
	// Type returns the backend's name: "file", "s3", "gcs", "mock". It is a
	// constant and costs nothing.
	Type() string

	// LTXFiles lists the files of a level whose MinTXID is at least seek
	// (0: all). It costs one request a page and, if useMetadata is true and the
	// store's listing does not carry timestamps, one more for each file. The
	// iterator may be used by one goroutine at a time and must be closed. It
	// ends with ctx.
	//
	//   - L1: items are sorted by (MinTXID, MaxTXID), whatever the order of the
	//     store's listing.
	//   - L2: only files with MinTXID ≥ seek. The store is asked to start
	//     there, so that requests depend on what is returned, not on the level.
	//   - L3: the listing is lazy: it reads a page at a time and at most one
	//     ahead, so that memory does not grow with the level. A backend whose
	//     store lists unsorted reads the whole level first, and documents it.
	//   - L4: other files are skipped: temporary files, foreign names, directories,
	//     objects below deeper prefixes, and zero-byte files (a torn upload;
	//     logged, and reported to the function of WithTorn).
	//   - L5: an error ends the iteration: Next returns false, Err and Close
	//     return the error. After Close, Next returns false. Each Item is a value
	//     of its own. An empty or missing level yields no items and no error.
	//   - L6: overlapping ranges within a level are legal.
	//   - L7: a client that is a LevelLister, itself or through what it wraps,
	//     returns from LTXLevels every level that holds a file.
	//   - T1: CreatedAt of an LTX file is its header's timestamp, to the
	//     millisecond, UTC, when useMetadata is true. When it is false, a store
	//     whose listing does not carry it (S3) may return its own modification
	//     time, and one with coarser times (SFTP) the header's to the second. It
	//     is never zero.
	//   - T2: CreatedAt of a file without an LTX header is the store's time.
	//   - T3: when useMetadata is true, metadata that is missing (a tree copied
	//     by another tool) is replaced by reading the file's header; a lookup
	//     that fails is an error. It never falls back silently.
	//
	// Point-in-time restores need useMetadata. A negative level, or one above
	// MaxLevel, is fs.ErrInvalid.
	LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error)

	// OpenLTXFile returns a reader of a file, or of a range of its bytes. It
	// costs one request, and one more each time the transfer is resumed.
	//
	//   - O1: size > 0: that many bytes from offset, fewer only at the end of
	//     the file; size 0: to the end. An offset at or past the end is an empty
	//     reader, not an error. A negative one is fs.ErrInvalid.
	//   - O2: a missing file is fs.ErrNotExist, with the backend, the key and
	//     the operation in the message; so is a zero-byte file (a torn upload).
	//     A missing bucket, a denied request or an outage is never reported as a
	//     missing file.
	//   - O3: a transfer that breaks is resumed where it stopped, pinned to the
	//     same version (ETag, generation); the budget counts failures without
	//     progress. A short body is an error, never a short success. A server
	//     that ignores the range does not cause wrong bytes.
	//   - O4: there is no time limit on a body, only on the lack of progress.
	//     Canceling ctx ends a blocked Read: ctx must live as long as the reader.
	//   - O5: Close may be called at any time and twice, and leaks nothing.
	//   - O6: a client that is a backend.RawLister and a backend.RawOpener, itself
	//     or through what it wraps, lists and opens files of any name below its
	//     path, and nothing outside it. Ranges, errors and the context are as
	//     above.
	OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error)

	// WriteLTXFile stores what r yields. It costs one request for a small
	// file; see each backend for large ones.
	//
	//   - W1: the bytes come back exactly; the returned FileInfo has the level,
	//     the TXIDs, Size = bytes written, and CreatedAt. Its checksums are zero.
	//   - W2: a file is visible whole or not at all; never before WriteLTXFile
	//     has succeeded or is about to return.
	//   - W3: when the reader fails, the context ends or the store fails, an
	//     error is returned that wraps the cause, nothing new is visible, an
	//     existing file of that name is intact, and no temporary is left. When
	//     the reader panics, WriteLTXFile panics in the caller's goroutine, and
	//     leaves the store in the same state.
	//   - W4: r is read to io.EOF and not closed; after a failure reading stops
	//     promptly.
	//   - W5: any reader works: one-byte reads, data together with io.EOF,
	//     seekable or not, unknown length. A seekable reader is read from its
	//     current offset. An empty body is fs.ErrInvalid. So is a body that
	//     reports its size when the write begins, by Seek or by Len() int (the
	//     bytes left), and then yields another number of bytes: a file that was
	//     truncated or is still being written. A reported size of 0 is ignored.
	//     Memory is bounded by configuration, never by the file's size.
	//   - W6: rewriting a name replaces it atomically. Concurrent writers of one
	//     name leave exactly one writer's bytes, whole. With WriteOnce (a field
	//     of the backend's Config) an existing name is refused with fs.ErrExist,
	//     unless size and checksum are those being written: then it is success,
	//     so that a retry after a lost response is safe.
	//   - W7: a body that starts with the LTX magic must have a valid header with
	//     the TXIDs of the arguments; otherwise the error is fs.ErrInvalid and
	//     nothing is written. Other bodies are stored unchanged (wrappers write
	//     them).
	//   - W8: minTXID > maxTXID, and a level that is negative or above MaxLevel,
	//     are fs.ErrInvalid; no request is sent.
	//   - W9: what was acknowledged is durable: fsynced, or acknowledged by the
	//     service, with its checksum verified if the service can do so.
	//   - T1: the returned CreatedAt of an LTX body is its header's timestamp, to
	//     the millisecond, UTC.
	//   - T2: the returned CreatedAt of any other body is the store's time.
	WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error)

	// DeleteLTXFiles deletes files; only Level, MinTXID and MaxTXID of each
	// matter. A nil or empty list is success without a request. If an entry is
	// nil or cannot be a file's name (W8), the error is fs.ErrInvalid, and
	// nothing is deleted.
	//
	//   - D1: missing files are not an error. If some deletions fail, all other
	//     files are deleted, and the error names each file that was not.
	DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error

	// DeleteAll deletes the replica.
	//
	//   - D2: it removes every LTX file of this replica, its leftovers
	//     (temporary files, unfinished multipart uploads) and the directories
	//     that are then empty, and nothing else: a sibling "db2", a foreign file
	//     and the neighbors of a replica at the bucket's root survive. Calling it
	//     twice is success.
	DeleteAll(ctx context.Context) error
}
