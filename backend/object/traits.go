package object

import "hash"

// Traits tell what a store cannot do, and its limits. The zero value is a
// store that can do everything and has S3's limits.
type Traits struct {
	// Unsorted says that listings come in no order: a level is then in memory
	// before the first item.
	Unsorted bool

	// NoStartAt says that a listing begins at the beginning whatever
	// ListOptions.StartAt is: a seek then lists the level from there.
	NoStartAt bool

	// NoIfAbsent says that PutOptions.IfAbsent is not kept. A client with
	// write-once is then refused at Init.
	NoIfAbsent bool

	// ListsMetadata says that Page has the objects' metadata if asked for, so
	// that no Head could tell more.
	ListsMetadata bool

	// UploadsUnfiltered says that ListUploads ignores the prefix, or cannot
	// list by one: the uploads of the whole bucket are then listed, once.
	UploadsUnfiltered bool

	// DeleteBatch is how many keys a Batcher takes at once; 0 and 1 mean that
	// it is not to be used.
	DeleteBatch int

	// Limits of an upload in parts. 0 means S3's: 10,000 parts of at most
	// 5 GiB, 5 TiB in all.
	MaxParts      int
	MaxPartSize   int64
	MaxObjectSize int64

	// EqualParts says that all parts but the last must be of one size.
	EqualParts bool

	// NewHash returns the hash that the store itself computes of every object
	// and tells as Object.Sum. Nil means that it tells none: contents are then
	// compared by reading the object back.
	NewHash func() hash.Hash
}

const (
	defaultMaxParts      = 10_000
	defaultMaxPartSize   = 5 << 30
	defaultMaxObjectSize = 5 << 40
)
