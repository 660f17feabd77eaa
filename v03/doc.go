// Package v03 reads replicas of Litestream v0.3: it lists and verifies them, restores
// their databases, and converts them to LTX files. It works over any client that is a
// backend.RawLister and a backend.RawOpener, as those of all backends are, and needs no
// SQLite.
//
// # Format
//
// A replica is a set of generations, each an unbroken history of the database:
//
//	generations/GENERATION/snapshots/INDEX.snapshot.lz4
//	generations/GENERATION/wal/INDEX_OFFSET.wal.lz4
//
// GENERATION has 16 hexadecimal digits, INDEX 8, OFFSET at least 8. A snapshot is the
// database's file when WAL file INDEX had begun; it may have pages of that WAL already.
// A WAL file of SQLite is stored in segments that begin at OFFSET bytes of it; the next
// WAL file has the next INDEX. Each file is one LZ4 frame. Where Litestream was
// configured with age it is encrypted: wrap/crypt around the client decrypts it.
//
// Nothing in a file tells its time: that is when the store got it.
//
// # Damage
//
// Whatever does not fit is a *DamageError, which names the generation, the index and the
// offset: a file that does not decode, a WAL whose salts or checksums do not continue, a
// segment that is missing or overlaps another. Nothing is left out without being told.
package v03
