package object

import "hash"

// Traits describe what a store cannot do, and its limits. The zero value is a store that
// can do everything and has the limits of S3.
type Traits struct {
	// Unsorted means that listings are not sorted: a level is then in memory
	// before the first item.
	Unsorted bool

	// NoStartAt means that the store ignores ListOptions.StartAt: a seek then
	// lists the level from its start.
	NoStartAt bool

	// NoIfAbsent means that the store does not support PutOptions.IfAbsent. Init
	// of a client with write-once then fails.
	NoIfAbsent bool

	// ListsMetadata means that a Page contains the objects' metadata if requested,
	// so that Head would not return more.
	ListsMetadata bool

	// UploadsUnfiltered means that ListUploads cannot list by prefix: the uploads
	// of the whole bucket are then listed, once.
	UploadsUnfiltered bool

	// DeleteBatch is the maximum number of keys of a DeleteBatch; 0 and 1 mean that
	// it is not used.
	DeleteBatch int

	// Limits of an upload in parts. 0 means S3's: 10,000 parts of at most
	// 5 GiB, 5 TiB in all.
	MaxParts      int
	MaxPartSize   int64
	MaxObjectSize int64

	// EqualParts means that all parts except the last must have the same size.
	EqualParts bool

	// NewHash returns the hash that the store itself computes for every object and
	// returns as Object.Sum. Nil means that it returns none: contents are then
	// compared by reading the object back.
	NewHash func() hash.Hash
}

const (
	defaultMaxParts      = 10_000
	defaultMaxPartSize   = 5 << 30
	defaultMaxObjectSize = 5 << 40
)
