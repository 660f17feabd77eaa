// Package v03 reads replicas of Litestream v0.3: it lists and verifies them, restores
// their databases, and converts them to LTX files. It works with any client that is a
// [github.com/ltxstore/ltxstore/backend.RawLister] and a
// [github.com/ltxstore/ltxstore/backend.RawOpener], such as those of all backends, and
// does not use SQLite. Packages [github.com/ltxstore/ltxstore/restore] and
// [github.com/ltxstore/ltxstore/verify] are for replicas of LTX files.
//
// # Format
//
// A replica is a set of generations, each an unbroken history of the database:
//
//	generations/GENERATION/snapshots/INDEX.snapshot.lz4
//	generations/GENERATION/wal/INDEX_OFFSET.wal.lz4
//
// GENERATION has 16 hexadecimal digits, INDEX has 8, and OFFSET at least 8. A snapshot is
// a copy of the database file, made after WAL file INDEX was started; it may already contain
// pages of that WAL. A WAL file of SQLite is stored in segments, each starting at byte
// OFFSET of it; the next WAL file has the next INDEX. Each file is one LZ4 frame. If
// Litestream was configured with age, files are encrypted: wrap the client with
// [github.com/ltxstore/ltxstore/wrap/crypt] to decrypt them. Otherwise, reading them fails
// with errors.ErrUnsupported.
//
// Files do not contain a time. The time of a file is when it was stored.
//
// # Damage
//
// A file that cannot be decoded, a WAL whose salts or checksums do not continue, and a
// segment that is missing or overlaps another one are reported as a *[DamageError], which
// names the generation, the index and the offset. Nothing is skipped silently.
package v03
