package retry

import (
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "retry"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has settings of "retry".
type driver struct{ settings.Table[Config] }

// Wrap implements ltxstore.WrapperDriver.
func (d driver) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) (ltxstore.ReplicaClient, error)) (ltxstore.ReplicaClient, error) {
	return settings.Wrap(d.Table, settings.Source(src), next, checkFor(next),
		func(next ltxstore.ReplicaClient, cfg Config) ltxstore.ReplicaClient { return New(next, cfg) })
}

// Check implements ltxstore.WrapperDriver.
func (d driver) Check(next ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) error) error {
	return settings.Check(d.Table, settings.Source(src), checkFor(next))
}

func checkFor(next ltxstore.ReplicaClient) func(Config) error {
	return func(cfg Config) error {
		_, err := cfg.check(next)
		return err
	}
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Wrapper: []string{wrapper},
		Rows: []settings.Row[Config]{
			{Name: "max-attempts", Default: "10", Help: "How often an operation is tried in all.",
				To: settings.Int(func(c *Config) *int { return &c.Retry.MaxAttempts })},
			{Name: "base-delay", Default: "100ms", Help: "The bound of the first wait; each further one is twice the one before.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.Retry.BaseDelay })},
			{Name: "max-delay", Default: "20s", Help: "The bound of every wait.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.Retry.MaxDelay })},
			{Name: "buffer-size", Default: "1MiB", Help: "Bytes that are kept of a body that cannot seek; a longer one is sent once.",
				To: settings.Size(func(c *Config) *int64 { return &c.BufferSize })},
		},
	}
}
