package cache

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Config says what is kept, for how long, and how much of it. The zero value is
// the default.
type Config struct {
	// TTL is how long a listing answers others, from when it began. 0 means 30
	// seconds.
	TTL time.Duration `ltx:"ttl" default:"30s" help:"How long a listing answers others."`

	// MaxFiles is how many files of listings are kept in memory in all, at 80
	// bytes each. 0 means 100,000. A listing that is longer is not kept.
	MaxFiles int `ltx:"max-files" default:"100000" help:"Files of listings that are kept in memory."`

	// BlockTTL is how long blocks of a file are kept at most, from when the first
	// was read. 0 means an hour.
	BlockTTL time.Duration `ltx:"block-ttl" default:"1h" help:"How long blocks of a file are kept at most."`

	// BlockSize is how many bytes are read at least: a power of two from 4 KiB to
	// 4 MiB. 0 means 64 KiB.
	BlockSize int `ltx:"block-size,size,min=4KiB,max=4MiB" default:"64KiB" help:"Bytes that are read at least: a power of two from 4 KiB to 4 MiB."`

	// MaxRange is how many bytes a read may ask for that is answered by blocks. 0
	// means 1 MiB; more than Size makes no sense. Such a read has as much in memory,
	// beside Size.
	MaxRange int64 `ltx:"max-range,size" default:"1MiB" help:"Bytes that a read may ask for that is answered by blocks."`

	// Size is how many bytes the blocks that are kept take, at most, with 256
	// for each in memory. 0 means 64 MiB, or 1 GiB in a Dir. It
	// must have room for a block.
	Size int64 `ltx:"size,size" default:"64MiB, or 1GiB in a 'cache.dir'" help:"Bytes that the blocks that are kept take."`

	// Dir is a directory in which blocks are kept, instead of in memory. It is made
	// if it is not there. Many replicas may have the same: each has a folder of its
	// own in it, named by its backend.Locator and Identity, and a Size of its own.
	// Other files in it are left alone. The folder of a replica that is no longer in
	// use stays, and may be removed at any time.
	Dir string `ltx:"dir" default:"memory" help:"A directory for blocks, which are kept when the process ends. Replicas may share it: each has a folder in it, and a 'cache.size'."`

	// Identity names the replica in Dir, beside its backend.Locator: any text that no
	// other replica with this Dir has. It is required there if the next client cannot
	// tell where its replica is, such as one that a program has written itself, and
	// may be left empty otherwise.
	Identity string `ltx:"identity" default:"where the replica is" help:"Names the replica in 'cache.dir', if its client cannot tell where it is."`

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

// open makes what a client of next keeps.
func (cfg Config) open(ctx context.Context, next ltxstore.ReplicaClient) (*state, error) {
	cfg, err := cfg.withDefaults(next.Type())
	if err != nil {
		return nil, err
	}
	s := &state{cfg: cfg}
	s.listings = &listings{ttl: cfg.TTL, bound: cfg.MaxFiles, levels: make(map[int]*level)}
	s.blocks = newBlocks(cfg, &s.counters)
	if cfg.Dir == "" || cfg.Only == OnlyListings {
		return s, nil
	}
	location, err := layer.Location(ctx, "", next)
	switch {
	case err != nil:
		return nil, err
	case location == "" && cfg.Identity == "":
		return nil, backend.Invalid(next.Type(), "init", "Identity", cfg.Identity, "want a name for the replica in Dir: its client does not tell where it is")
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

// hide keeps a failure on the local disk from being taken for one of the store: a
// missing directory is no missing file.
func hide(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %v", fs.ErrInvalid, err)
}
