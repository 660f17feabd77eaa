package cache

import (
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "cache"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has settings of "cache".
type driver struct{ settings.Table[Config] }

// Wrap implements ltxstore.WrapperDriver.
func (d driver) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) (ltxstore.ReplicaClient, error)) (ltxstore.ReplicaClient, error) {
	return settings.Wrap(d.Table, settings.Source(src), next, check,
		func(next ltxstore.ReplicaClient, cfg Config) ltxstore.ReplicaClient { return New(next, cfg) })
}

// Check implements ltxstore.WrapperDriver.
func (d driver) Check(_ ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) error) error {
	return settings.Check(d.Table, settings.Source(src), check)
}

func check(cfg Config) error {
	_, err := cfg.withDefaults(wrapper)
	return err
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Wrapper: []string{wrapper},
		Rows: []settings.Row[Config]{
			{Name: "ttl", Default: "30s", Help: "How long a listing answers others.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.TTL })},
			{Name: "max-files", Default: "100000", Help: "Files of listings that are kept in memory.",
				To: settings.Int(func(c *Config) *int { return &c.MaxFiles })},
			{Name: "no-listings", Default: "false", Help: "Ask the store for every listing.",
				To: settings.Bool(func(c *Config) *bool { return &c.NoListings })},
			{Name: "block-ttl", Default: "1h", Help: "How long blocks of a file are kept at most.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.BlockTTL })},
			{Name: "block-size", Default: "64KiB", Help: "Bytes that are read at least: a power of two from 4 KiB to 4 MiB.",
				To: settings.Size(func(c *Config) *int { return &c.BlockSize })},
			{Name: "max-range", Default: "1MiB", Help: "Bytes that a read may ask for that is answered by blocks.",
				To: settings.Size(func(c *Config) *int64 { return &c.MaxRange })},
			{Name: "size", Default: "64MiB, or 1GiB in a `cache.dir`", Help: "Bytes that the blocks that are kept take.",
				To: settings.Size(func(c *Config) *int64 { return &c.Size })},
			{Name: "dir", Default: "memory", Help: "A directory for blocks, which are kept when the process ends. Replicas may share it: each has a folder in it, and a `cache.size`.",
				To: settings.Text(func(c *Config) *string { return &c.Dir })},
			{Name: "identity", Default: "where the replica is", Help: "Names the replica in `cache.dir`, if its client cannot tell where it is.",
				To: settings.Text(func(c *Config) *string { return &c.Identity })},
			{Name: "no-blocks", Default: "false", Help: "Ask the store for every read.",
				To: settings.Bool(func(c *Config) *bool { return &c.NoBlocks })},
		},
	}
}
