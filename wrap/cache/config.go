package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Config is the configuration of a Client. The zero value is valid.
type Config struct {
	// TTL is how long a listing is kept, from when it began. 0 means 30 seconds.
	TTL time.Duration `ltx:"ttl" default:"30s" help:"How long a listing is kept."`

	// MaxFiles is how many files of listings are kept in memory, of all levels together,
	// with 80 bytes each. 0 means 100,000. A longer listing is not kept.
	MaxFiles int `ltx:"max-files" default:"100000" help:"Number of files of listings that are kept in memory."`

	// BlockTTL is how long the blocks of a file are kept at most, from when the first one
	// was read. 0 means an hour.
	BlockTTL time.Duration `ltx:"block-ttl" default:"1h" help:"How long the blocks of a file are kept at most."`

	// BlockSize is the size of a block, the least that is read from the store: a power of
	// two from 4 KiB to 4 MiB. 0 means 64 KiB.
	BlockSize int `ltx:"block-size,size,min=4KiB,max=4MiB" default:"64KiB" help:"Size of a block, the least that is read from the store: a power of two from 4 KiB to 4 MiB."`

	// MaxRange is the largest read, in bytes, that is answered from blocks: at most Size.
	// 0 means 1 MiB. Each such read takes as much memory, in addition to Size.
	MaxRange int64 `ltx:"max-range,size" default:"1MiB" help:"Largest read that is answered from blocks."`

	// Size is the total size of the blocks that are kept, in bytes; in memory each takes
	// 256 more. 0 means 64 MiB, or 1 GiB in a Dir. It must have room for a block.
	Size int64 `ltx:"size,size" default:"64MiB, or 1GiB in a 'cache.dir'" help:"Total size of the blocks that are kept."`

	// Dir is a directory for the blocks, instead of memory. It is created if necessary.
	// Replicas may share it: each has its own folder in it, and its own Size. The folder
	// of a replica that is no longer used may be removed at any time.
	Dir string `ltx:"dir" default:"memory" help:"A directory for blocks, which outlive the process. Replicas may share it: each has its own folder in it, and its own 'cache.size'."`

	// Identity names the replica's folder in Dir, in addition to its location. It is required if
	// the next client has no location (backend.Locator), as a program's own client may not
	// have, and must then be one that no other replica with this Dir has.
	Identity string `ltx:"identity" default:"where the replica is" help:"Names the replica in 'cache.dir', if its client has no location."`

	// Only limits what is kept to OnlyListings or OnlyBlocks. Empty means both.
	Only Kind `ltx:"only,oneof=listings|blocks" default:"both" help:"Keep only 'listings', or only 'blocks'."`
}

// Kind is a kind of answer that is kept.
type Kind string

// The kinds of answers.
const (
	OnlyListings Kind = "listings"
	OnlyBlocks   Kind = "blocks"
)

// withDefaults returns the configuration with its defaults, or what is wrong with it.
func (cfg Config) withDefaults(typ string) (Config, error) {
	if err := settings.Validate(typ, cfg); err != nil {
		return cfg, err
	}
	invalid := func(field string, value any, want string, args ...any) (Config, error) {
		return cfg, backend.Invalid(typ, "init", field, value, fmt.Sprintf(want, args...))
	}
	given := cfg
	cfg.TTL = cmp.Or(cfg.TTL, 30*time.Second)
	cfg.MaxFiles = cmp.Or(cfg.MaxFiles, 100_000)
	cfg.BlockTTL = cmp.Or(cfg.BlockTTL, time.Hour)
	cfg.BlockSize = cmp.Or(cfg.BlockSize, 64<<10)
	if cfg.Size == 0 {
		if cfg.Size = 64 << 20; cfg.Dir != "" {
			cfg.Size = 1 << 30
		}
	}
	cfg.MaxRange = cmp.Or(cfg.MaxRange, min(1<<20, cfg.Size))
	switch least := int64(cfg.BlockSize) + blockCost; {
	case cfg.BlockSize&(cfg.BlockSize-1) != 0:
		return invalid("BlockSize", given.BlockSize, "want 0 (default) or a power of two")
	case cfg.Size < least:
		return invalid("Size", given.Size, "want 0 (default) or at least %d bytes, for one block", least)
	case cfg.MaxRange > cfg.Size:
		return invalid("MaxRange", given.MaxRange, "want 0 (default) or at most Size, %d bytes", cfg.Size)
	case strings.ContainsRune(cfg.Dir, 0):
		return invalid("Dir", given.Dir, "want no NUL byte")
	}
	return cfg, nil
}

// open returns the state of a client of next.
func (cfg Config) open(ctx context.Context, next layer.Next) (*state, error) {
	cfg, err := cfg.withDefaults(next.Type())
	if err != nil {
		return nil, err
	}
	s := &state{Next: next, cfg: cfg}
	s.listings = &listings{ttl: cfg.TTL, bound: cfg.MaxFiles, levels: make(map[int]*level)}
	s.blocks = newBlocks(cfg, &s.counters, s.listings.stampOf)
	if cfg.Dir == "" || cfg.Only == OnlyListings {
		return s, nil
	}
	location, err := layer.Location(ctx, "", next.Client)
	switch {
	case err != nil:
		return nil, err
	case location == "" && cfg.Identity == "":
		return nil, backend.Invalid(next.Type(), "init", "Identity", cfg.Identity, "want a name for the replica in Dir, because its client has no location")
	}
	if s.blocks.disk, err = openDisk(cfg.Dir, folderOf(next.Type(), location, cfg.Identity), cfg.BlockSize); err != nil {
		return nil, backend.Refused(next.Type(), "init", "Dir", err)
	}
	if err := s.blocks.adopt(); err != nil {
		return nil, backend.Refused(next.Type(), "init", "Dir", err)
	}
	return s, nil
}

// folderOf returns the name of a replica's folder in Dir.
func folderOf(typ, location, identity string) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%q", []string{typ, location, identity})))
}

// hide keeps a failure of the local disk from being taken for one of the store: a missing
// directory is not a missing file.
func hide(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %v", fs.ErrInvalid, err)
}
