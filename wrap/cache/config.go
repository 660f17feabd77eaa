package cache

import (
	"cmp"
	"context"
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

	// MaxFiles is how many files a listing may have to be kept in memory, with 80 bytes each.
	// 0 means 100,000.
	MaxFiles int `ltx:"max-files" default:"100000" help:"How many files a listing may have to be kept in memory."`

	// BlockTTL is how long the blocks of a file are kept at most, from when the first one
	// was read. 0 means an hour.
	BlockTTL time.Duration `ltx:"block-ttl" default:"1h" help:"How long the blocks of a file are kept at most."`

	// BlockSize is the size of a block, the least that is read from the store: a power of
	// two from 4 KiB to 4 MiB. 0 means 64 KiB.
	BlockSize int `ltx:"block-size,size,min=4KiB,max=4MiB" default:"64KiB" help:"Size of a block, the least that is read from the store: a power of two from 4 KiB to 4 MiB."`

	// MaxRange is the largest read, in bytes, that is answered from blocks: at most Size.
	// 0 means 1 MiB. Each such read takes as much memory, in addition to Size.
	MaxRange int64 `ltx:"max-range,size" default:"1MiB" help:"Largest read that is answered from blocks."`

	// Size is the total size of the blocks that are kept, in bytes. In memory each takes
	// 256 more, and in a Dir a whole BlockSize, however short it is. 0 means 64 MiB, or 1 GiB
	// in a Dir. It must have room for a block.
	Size int64 `ltx:"size,size" default:"64MiB, or 1GiB in a 'cache.dir'" help:"Total size of the blocks that are kept."`

	// Dir is a directory for a temporary file with the blocks, which are otherwise in memory.
	// It is created if necessary. Clients may share it: each has its own file and its own Size.
	Dir string `ltx:"dir" default:"memory" help:"A directory for a temporary file with the blocks. Replicas may share it: each has its own file, and its own 'cache.size'."`

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
func (cfg Config) open(_ context.Context, next layer.Next) (*state, error) {
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
	if s.blocks.disk, err = newDisk(cfg.Dir, int64(cfg.BlockSize)); err != nil {
		// Not err itself: a missing directory is not a missing file of the store.
		return nil, backend.Refused(next.Type(), "init", "Dir", fmt.Errorf("%w: %v", fs.ErrInvalid, err))
	}
	return s, nil
}
