package crypt

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper, litestreamName = "crypt", "age"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper, litestreamName) }

// driver wraps replicas whose URL or file has settings of "crypt", or of "age".
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
		Wrapper: []string{wrapper, litestreamName},
		Locked:  true,
		Rows: []settings.Row[Config]{
			{Name: "recipients", Default: "none: nothing can be written", Help: "Public keys (`age1…`) that files are encrypted to.",
				To: settings.List(func(c *Config) *[]string { return &c.Recipients })},
			{Name: "identities", Secret: true, Default: "none: nothing can be read", Help: "Secret keys that files are decrypted with: in a file, and from a variable.",
				To: settings.List(func(c *Config) *[]Identity { return &c.Identities })},
			{Name: "header-size", Default: "4KiB", Help: "Bytes of each file's header: the same for all clients of a replica.",
				To: settings.Size(func(c *Config) *int { return &c.HeaderSize })},
			{Name: "mixed-headers", Default: "false", Help: "The replica may have files of the age program, or of another `header-size`.",
				To: settings.Bool(func(c *Config) *bool { return &c.MixedHeaders })},
			{Name: "metadata-concurrency", Default: "32", Help: "Files looked at at once in a listing.",
				To: settings.Int(func(c *Config) *int { return &c.MetadataConcurrency })},
			{Name: "cache-size", Default: "32MiB", Help: "Bytes of memory for what is known of files.",
				To: settings.Size(func(c *Config) *int64 { return &c.CacheSize })},
		},
	}
}
