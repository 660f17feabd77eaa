package mock

import (
	"encoding"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func init() { ltxstore.Register("mem", driver{table()}) }

// driver opens mem:// URLs, each with a store of its own.
type driver struct{ settings.Table[Config] }

// Open implements ltxstore.Driver.
func (d driver) Open(src ltxstore.Source) (ltxstore.ReplicaClient, bool, error) {
	return settings.Open(d.Table, settings.Source(src), func(cfg *Config) error {
		_, err := cfg.check()
		return err
	},
		func(cfg Config) ltxstore.ReplicaClient { return NewReplicaClient(cfg) })
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		// Nothing can be shared by name: a store is its client's own.
		CodeOnly: []string{"Store", "Clock", "Sleep", "Logger"},
		Rows: []settings.Row[Config]{
			{Name: "path", Default: "the store's root", Help: "The replica's path in the store.",
				To: settings.Text(func(c *Config) *string { return &c.Path })},
			{Name: settings.LayoutName, Default: "`default`", Help: "How files are named. `auto` looks at what the replica holds: nothing.",
				To: settings.Layout(func(c *Config) encoding.TextUnmarshaler { return &c.Layout })},
			{Name: "write-once", Default: "false", Help: "Refuse to replace a file by other content.",
				To: settings.Bool(func(c *Config) *bool { return &c.WriteOnce })},
			{Name: "page-size", Default: "1000", Help: "Objects of a page of a listing.",
				To: settings.Int(func(c *Config) *int { return &c.PageSize })},
		},
	}
}
