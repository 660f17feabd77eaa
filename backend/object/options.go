package object

import (
	"cmp"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// Options are the sizes and concurrencies of a client's transfers. They are part of a
// backend's Config, where a zero field means the default.
type Options struct {
	// PartSize is the size in bytes of the first part of a large body. 0 means
	// 8 MiB. Parts of a body of unknown size grow, so that the largest object fits
	// in the number of parts that the store allows.
	PartSize int64 `ltx:"part-size,size" default:"8MiB" help:"Bytes of the first part of a large upload; later ones grow."`

	// UploadThreshold is the size in bytes up to which a body is sent in one
	// request. 0 means PartSize.
	UploadThreshold int64 `ltx:"upload-threshold,size" default:"'part-size'" help:"Bytes up to which a body is sent in one request."`

	// Concurrency is how many parts of a write are sent, and held in memory, at a
	// time. 0 means 3.
	Concurrency int `ltx:"concurrency" default:"3" help:"Parts of a write that are sent, and held in memory, at a time."`

	// ReadConcurrency is how many ranges of large files are received at a time, and
	// ReadMemory how many bytes of them may be in memory: all clients of a process
	// with the same two values share them. Half as many more ranges are requested
	// in advance and wait for their response. Ranges have up to
	// 2*ReadMemory/ReadConcurrency bytes; a file of at most that size is read with
	// one request. 0 means 16 and 32 MiB. With a ReadConcurrency of 1, each file is
	// read with one request, whatever its size.
	ReadConcurrency int   `ltx:"read-concurrency" default:"16" help:"Ranges of large files read at a time, by all replicas that have the same two settings; 1 for none in parallel."`
	ReadMemory      int64 `ltx:"read-memory,size" default:"32MiB" help:"Bytes of these ranges in memory, for all these replicas together."`

	// MetadataConcurrency is how many properties or headers of files are read at a
	// time if a listing with useMetadata does not contain their times. 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Headers read at a time in a listing, if another tool's copy has lost the times."`

	// DeleteConcurrency is how many requests for deletions are sent at a time. 0
	// means 8.
	DeleteConcurrency int `ltx:"delete-concurrency" default:"8" help:"Requests for deletions in progress at a time."`

	// PageSize is how many files are listed in one request. 0 means the store's
	// maximum.
	PageSize int `ltx:"page-size" default:"1000" help:"Files listed in one request."`
}

// WithDefaults returns o with defaults in place of zero fields: those of own, which are
// specific to a store, or if these are zero too, the ones above.
func (o Options) WithDefaults(own Options) Options {
	o.PartSize = cmp.Or(o.PartSize, own.PartSize, 8<<20)
	o.UploadThreshold = cmp.Or(o.UploadThreshold, own.UploadThreshold, o.PartSize)
	o.Concurrency = cmp.Or(o.Concurrency, own.Concurrency, 3)
	o.ReadConcurrency = cmp.Or(o.ReadConcurrency, own.ReadConcurrency, rangeio.DefaultPoolRequests)
	o.ReadMemory = cmp.Or(o.ReadMemory, own.ReadMemory, rangeio.DefaultPoolMemory)
	o.MetadataConcurrency = cmp.Or(o.MetadataConcurrency, own.MetadataConcurrency, 32)
	o.DeleteConcurrency = cmp.Or(o.DeleteConcurrency, own.DeleteConcurrency, 8)
	o.PageSize = cmp.Or(o.PageSize, own.PageSize)
	return o
}

// Requests returns how many requests a client with these options may send at a time.
func (o Options) Requests() int {
	return o.Concurrency + o.ReadConcurrency + o.ReadConcurrency/2 + o.MetadataConcurrency + o.DeleteConcurrency
}
