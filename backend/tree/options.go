package tree

import (
	"cmp"
	"time"
)

// DefaultSweepAge is the default of Options.SweepAge.
const DefaultSweepAge = 24 * time.Hour

// Options configure how a client stores a replica. A backend embeds them in its Config;
// the zero value of a field is its default.
type Options struct {
	// WriteOnce makes writing a file fail if it exists with other content (clause
	// W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// MustExist makes Init fail with ErrStoreNotFound if the root is missing. By
	// default, a missing root is an empty replica, and the first write creates it.
	// A Disk checks it itself.
	MustExist bool `ltx:"must-exist" default:"false" help:"A missing root is an error, not an empty replica."`

	// SweepAge is how long after its last change a temporary file counts as that of
	// a killed writer and is removed. 0 means DefaultSweepAge.
	SweepAge time.Duration `ltx:"sweep-age" default:"24h" help:"How long after its last change a temporary file is removed."`

	// MetadataConcurrency is how many headers are read at a time in a listing, and
	// DeleteConcurrency how many files are deleted at a time. 0 means 16.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"16" help:"Headers read at a time in a listing."`
	DeleteConcurrency   int `ltx:"delete-concurrency" default:"16" help:"Deletions in progress at a time."`

	// IdleTimeout is how long a body may make no progress. 0 means a minute.
	IdleTimeout time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a transfer may make no progress."`
}

// WithDefaults returns o with defaults in place of zero fields.
func (o Options) WithDefaults() Options {
	o.SweepAge = cmp.Or(o.SweepAge, DefaultSweepAge)
	o.MetadataConcurrency = cmp.Or(o.MetadataConcurrency, 16)
	o.DeleteConcurrency = cmp.Or(o.DeleteConcurrency, 16)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, time.Minute)
	return o
}
