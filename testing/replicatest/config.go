package replicatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Config configures the suite for a store. Only New is required.
type Config struct {
	// New returns an empty replica, a new one for each case. When the case has
	// ended, the suite calls DeleteAll on its client, and then Store.Close. ctx
	// ends with the case.
	New func(ctx context.Context) (Store, error)

	// Lacks declares the capabilities that the store does not have. Cases that
	// need one of them are skipped.
	Lacks []Capability

	// PageSize is the number of files in a page of the store's listings. Cases
	// that need several pages write two and a half times as many. 0 means 1000.
	PageSize int

	// BodySize is the size in bytes of the largest bodies, except for that of
	// LargeSize: more than the client holds in a buffer, or sends in one part,
	// so that a failure can occur in the middle. 0 means 16 MiB; the minimum is
	// 64 KiB.
	BodySize int64

	// LargeSize is the size in bytes of the file with which memory is measured.
	// 0 means 100 MiB; it must be at least twice MemoryLimit.
	LargeSize int64

	// MemoryLimit is the number of bytes by which the heap of the process may
	// grow while a file of LargeSize is written and read. 0 means 40 MiB.
	// Everything else in the process counts too, so a suite with BoundedMemory
	// must not run in parallel with others.
	MemoryLimit int64

	// Timeout bounds one case. 0 means two minutes.
	Timeout time.Duration

	// Prompt bounds how long a method may take to return after its context has
	// ended, and a goroutine to end after the call that started it. 0 means ten
	// seconds: the limit finds calls that do not stop, not slow ones.
	Prompt time.Duration

	// Secrets are strings that must never reach a log line or an error.
	// Without any, Lacks must name Secrets.
	Secrets []string

	// IgnoreGoroutine, if not nil, reports whether a goroutine with this stack
	// belongs to a connection pool that outlives calls by design. Idle
	// connections of net/http are known.
	IgnoreGoroutine func(stack string) bool

	// Select, if not nil, reports whether to run a case. Other cases appear in
	// the Report as not selected.
	Select func(Case) bool

	files *library
}

// Store is one empty replica with its client, and ways to inspect and break it
// without the client. A nil field is a capability that the store lacks.
type Store struct {
	// Client is the client under test. Required.
	Client ltxstore.ReplicaClient

	// Another returns a further client of the same replica, such as another
	// process would have.
	Another func() (ltxstore.ReplicaClient, error)

	// Once returns a further client of the same replica with WriteOnce.
	Once func() (ltxstore.ReplicaClient, error)

	// Sibling returns a client of the replica whose path is this one's with
	// suffix appended ("2" makes "db2" of "db") in the same store.
	Sibling func(suffix string) (ltxstore.ReplicaClient, error)

	// Parent returns a client of the replica whose path is the parent of this
	// one's: the store's root if this one is directly below it.
	Parent func() (ltxstore.ReplicaClient, error)

	// Missing returns a client whose bucket or root directory does not exist,
	// although the client expects it to.
	Missing func() (ltxstore.ReplicaClient, error)

	// Requests returns the number of requests that the store has received so far,
	// from all its clients: a page of a listing is one.
	Requests func() int64

	// Raw gives access to the stored objects.
	Raw *Raw

	// Faults breaks the store.
	Faults *Faults

	// Close releases the resources of the store. It may be nil.
	Close func() error
}

// Raw gives access to the objects of a replica without its client.
type Raw struct {
	// Keys names the replica's files, relative to the replica's path. It is the
	// result of backend.NewKeys(layout, "").
	Keys backend.Keys

	// Put stores body at key, relative to the replica's path, as another
	// program would, without metadata. It creates missing directories.
	Put func(ctx context.Context, key string, body []byte) error

	// List returns every key below the replica's path, relative to it, in any
	// order: LTX files, foreign files, temporary files. Unfinished multipart
	// uploads are listed as "upload:" and their key, and directories without a
	// file below them as their path followed by a slash.
	List func(ctx context.Context) ([]string, error)

	// Strip removes the timestamp that the store keeps with the file
	// (metadata, modification time), as a copy by another tool does. It may
	// be nil: the capability Stripping.
	Strip func(ctx context.Context, key string) error

	// Leave creates what a client of this replica leaves behind when it is
	// killed while writing a file of level 0: a temporary file, an unfinished
	// multipart upload. It may be nil: the capability Leftovers.
	Leave func(ctx context.Context) error
}

// Faults break a store until its Close. Each may be nil.
type Faults struct {
	// Lookups makes every request about one file, whether for its metadata or
	// its content, fail with an error other than that of a missing file.
	// Listings still succeed.
	Lookups func()

	// Lists makes every listing fail after its first page.
	Lists func()

	// Cut breaks every transfer of a body to a reader after n bytes.
	Cut func(n int64)

	// Stall stops every transfer of a body to a reader after n bytes without
	// breaking it: no more bytes arrive until the client closes it.
	Stall func(n int64)

	// Deletes makes the deletion of every file fail for which match returns true.
	Deletes func(match func(level int, minTXID, maxTXID ltx.TXID) bool)

	// Unreachable makes every request fail, as in an outage.
	Unreachable func()
}

// A Capability is something that a case needs and a store may lack.
type Capability string

// The capabilities, each with the Store field that offers it.
const (
	Clients         Capability = "clients"          // Another
	WriteOnce       Capability = "write-once"       // Once
	Siblings        Capability = "siblings"         // Sibling
	Parents         Capability = "parents"          // Parent
	MissingStore    Capability = "missing-store"    // Missing
	RawAccess       Capability = "raw-access"       // Raw
	Stripping       Capability = "stripping"        // Raw.Strip
	FailingLookups  Capability = "failing-lookups"  // Faults.Lookups
	FailingLists    Capability = "failing-lists"    // Faults.Lists
	BrokenTransfers Capability = "broken-transfers" // Faults.Cut
	FailingDeletes  Capability = "failing-deletes"  // Faults.Deletes
	Outages         Capability = "outages"          // Faults.Unreachable

	CountedRequests  Capability = "counted-requests"  // Requests
	Leftovers        Capability = "leftovers"         // Raw.Leave
	StalledTransfers Capability = "stalled-transfers" // Faults.Stall

	// Secrets: Config.Secrets is not empty.
	Secrets Capability = "secrets"

	// FoundLevels: the client is an ltxstore.LevelLister, or wraps one.
	FoundLevels Capability = "found-levels"

	// RawFiles: the client is a backend.RawLister and a backend.RawOpener, or wraps
	// one that is.
	RawFiles Capability = "raw-files"

	// Rewriting: an existing name may be written again. A client with
	// WriteOnce lacks it. It is assumed unless declared lacking.
	Rewriting Capability = "rewriting"

	// AtomicRewriting: a reader always finds a file that is being written again,
	// and never gets bytes of two versions, however many clients write it at the
	// same time. It is assumed unless declared lacking, and requires Rewriting.
	AtomicRewriting Capability = "atomic-rewriting"

	// PreciseTimes: the times that the store keeps have milliseconds. A store that
	// truncates them to seconds lacks it. It is assumed unless declared lacking;
	// without it, time/never-zero compares seconds.
	PreciseTimes Capability = "precise-times"

	// BoundedMemory: files are not kept in the memory of this process. A store in
	// memory lacks it. It is assumed unless declared lacking.
	BoundedMemory Capability = "bounded-memory"

	// FewRequests: listing costs about one request per page, so that thousands of
	// files can be written and listed within a test. It is assumed unless
	// declared lacking.
	FewRequests Capability = "few-requests"
)

// offers reports whether the store has the capability. The last five cannot be
// determined: they are assumed unless declared lacking.
func (cfg *Config) offers(s *Store, c Capability) bool {
	raw, faults := cmp.Or(s.Raw, &Raw{}), cmp.Or(s.Faults, &Faults{})
	switch c {
	case Clients:
		return s.Another != nil
	case WriteOnce:
		return s.Once != nil
	case Siblings:
		return s.Sibling != nil
	case Parents:
		return s.Parent != nil
	case MissingStore:
		return s.Missing != nil
	case RawAccess:
		return s.Raw != nil
	case Stripping:
		return raw.Strip != nil
	case FailingLookups:
		return faults.Lookups != nil
	case FailingLists:
		return faults.Lists != nil
	case BrokenTransfers:
		return faults.Cut != nil
	case FailingDeletes:
		return faults.Deletes != nil
	case Outages:
		return faults.Unreachable != nil
	case CountedRequests:
		return s.Requests != nil
	case Leftovers:
		return raw.Leave != nil
	case StalledTransfers:
		return faults.Stall != nil
	case Secrets:
		return len(cfg.Secrets) > 0
	case FoundLevels:
		_, ok := ltxstore.As[ltxstore.LevelLister](s.Client)
		return ok
	case RawFiles:
		_, lists := ltxstore.As[backend.RawLister](s.Client)
		_, opens := ltxstore.As[backend.RawOpener](s.Client)
		return lists && opens
	}
	return !slices.Contains(cfg.Lacks, c)
}

// visible are the capabilities that offers can determine.
var visible = [...]Capability{Clients, WriteOnce, Siblings, Parents, MissingStore, RawAccess, Stripping,
	FailingLookups, FailingLists, BrokenTransfers, FailingDeletes, Outages,
	CountedRequests, Leftovers, StalledTransfers, Secrets, FoundLevels, RawFiles}

// assumed are the others.
var assumed = [...]Capability{Rewriting, AtomicRewriting, PreciseTimes, BoundedMemory, FewRequests}

// validate checks the configuration itself.
func (cfg *Config) validate() error {
	if cfg.New == nil {
		return fmt.Errorf("Config.New is nil: want a function that returns an empty replica: %w", fs.ErrInvalid)
	}
	for _, c := range cfg.Lacks {
		if !slices.Contains(visible[:], c) && !slices.Contains(assumed[:], c) {
			return fmt.Errorf("Config.Lacks has %q: want %q or %q: %w", c, visible, assumed, fs.ErrInvalid)
		}
	}
	for _, field := range []struct {
		name     string
		value    any
		negative bool
	}{
		{"PageSize", cfg.PageSize, cfg.PageSize < 0},
		{"BodySize", cfg.BodySize, cfg.BodySize < 0},
		{"LargeSize", cfg.LargeSize, cfg.LargeSize < 0},
		{"MemoryLimit", cfg.MemoryLimit, cfg.MemoryLimit < 0},
		{"Timeout", cfg.Timeout, cfg.Timeout < 0},
		{"Prompt", cfg.Prompt, cfg.Prompt < 0},
	} {
		if field.negative {
			return fmt.Errorf("Config.%s is %v: want 0 (default) or more: %w", field.name, field.value, fs.ErrInvalid)
		}
	}
	if cfg.BodySize > 0 && cfg.BodySize < minBodySize {
		return fmt.Errorf("Config.BodySize is %d: want 0 (default) or at least %d: %w", cfg.BodySize, minBodySize, fs.ErrInvalid)
	}
	return nil
}

const minBodySize = 64 << 10

// checkStore checks that the result of New matches what is declared, and offers
// what is needed.
func (cfg *Config) checkStore(s *Store, needs []Capability) error {
	if s.Client == nil {
		return fmt.Errorf("Store.Client is nil: want the client under test: %w", fs.ErrInvalid)
	}
	var errs []error
	for _, c := range visible {
		declared, offered := slices.Contains(cfg.Lacks, c), cfg.offers(s, c)
		if declared && offered {
			errs = append(errs, fmt.Errorf("Config.Lacks has %q, which the store offers: %w", c, fs.ErrInvalid))
		}
	}
	for _, need := range needs {
		if !cfg.offers(s, need) {
			errs = append(errs, fmt.Errorf("case needs %q, which the store does not offer and Config.Lacks does not declare", need))
		}
	}
	return errors.Join(errs...)
}

func (cfg *Config) withDefaults() Config {
	c := *cfg
	c.PageSize = cmp.Or(c.PageSize, 1000)
	c.BodySize = cmp.Or(c.BodySize, 16<<20)
	c.LargeSize = cmp.Or(c.LargeSize, 100<<20)
	c.MemoryLimit = cmp.Or(c.MemoryLimit, 40<<20)
	c.Timeout = cmp.Or(c.Timeout, 2*time.Minute)
	c.Prompt = cmp.Or(c.Prompt, 10*time.Second)
	if c.files == nil {
		c.files = &library{}
	}
	return c
}
