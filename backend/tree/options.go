package tree

import (
	"cmp"
	"time"
)

// DefaultSweepAge is the default of Options.SweepAge.
const DefaultSweepAge = 24 * time.Hour

// Options say how a client keeps a replica in a store. A backend embeds them in
// its Config; the zero value of a field is its default.
type Options struct {
	// WriteOnce refuses to replace a file by other content (clause W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// MustExist makes a root that is missing at Init ErrStoreNotFound. By
	// default it is an empty replica, which the first write makes. A Disk checks
	// it itself.
	MustExist bool `ltx:"must-exist" default:"false" help:"A missing root is an error, not an empty replica."`

	// SweepAge is for how long a temporary must not have changed until its writer
	// counts as dead. 0 means DefaultSweepAge.
	SweepAge time.Duration `ltx:"sweep-age" default:"24h" help:"For how long a temporary file must not have changed until it is removed."`

	// MetadataConcurrency is how many headers are read at once in a listing, and
	// DeleteConcurrency how many deletions run at once. 0 means 16.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"16" help:"Headers read at once in a listing."`
	DeleteConcurrency   int `ltx:"delete-concurrency" default:"16" help:"Deletions under way at once."`

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
