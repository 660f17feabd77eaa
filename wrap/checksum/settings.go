package checksum

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "checksum"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has settings of "checksum".
type driver struct{ settings.Table[Config] }

// Wrap implements ltxstore.WrapperDriver.
func (d driver) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) (ltxstore.ReplicaClient, error)) (ltxstore.ReplicaClient, error) {
	return settings.Wrap(d.Table, settings.Source(src), next, func(Config) error { return nil },
		func(next ltxstore.ReplicaClient, cfg Config) ltxstore.ReplicaClient { return New(next, cfg) })
}

// Check implements ltxstore.WrapperDriver.
func (d driver) Check(_ ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) error) error {
	return settings.Check(d.Table, settings.Source(src), func(Config) error { return nil })
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Wrapper: []string{wrapper},
		Rows: []settings.Row[Config]{
			{Name: "read-back", Default: "false", Help: "Read what is stored after each write, and compare it.",
				To: settings.Bool(func(c *Config) *bool { return &c.ReadBack })},
			{Name: "other-bodies", Default: "false", Help: "Let files pass that are no LTX files.",
				To: settings.Bool(func(c *Config) *bool { return &c.OtherBodies })},
		},
	}
}
