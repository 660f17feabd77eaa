package compress

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "compress"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has settings of "compress".
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
	_, err := cfg.check(wrapper)
	return err
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Wrapper: []string{wrapper},
		Rows: []settings.Row[Config]{
			{Name: "level", Default: "`default`", Help: "How hard the compressor tries: `fastest`, `default`, `better` or `best`.",
				To: settings.Text(func(c *Config) *string { return &c.Level })},
			{Name: "frame-size", Default: "256KiB", Help: "Bytes of a body that are decoded together: a power of two from 4 KiB to 1 MiB.",
				To: settings.Size(func(c *Config) *int { return &c.FrameSize })},
			{Name: "metadata-concurrency", Default: "32", Help: "Files looked at at once in a listing.",
				To: settings.Int(func(c *Config) *int { return &c.MetadataConcurrency })},
			{Name: "cache-size", Default: "32MiB", Help: "Bytes of memory for what is known of files.",
				To: settings.Size(func(c *Config) *int64 { return &c.CacheSize })},
		},
	}
}
