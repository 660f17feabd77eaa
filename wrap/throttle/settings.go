package throttle

import (
	"errors"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "throttle"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has settings of "throttle". One without
// a limit is refused: it would do nothing.
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
	if cfg.Limits == (Limits{}) {
		return errors.New("throttle has no limit: want throttle.upload, throttle.download or throttle.requests")
	}
	return cfg.Limits.check(wrapper)
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Wrapper: []string{wrapper},
		Rows: []settings.Row[Config]{
			{Name: "upload", Default: "no limit", Help: "Bytes of bodies that are written in a second: more than 0.",
				To: settings.Positive("size", func(c *Config) **int64 { return &c.Limits.Upload }, settings.ParseSize)},
			{Name: "download", Default: "no limit", Help: "Bytes of bodies that are read in a second: more than 0.",
				To: settings.Positive("size", func(c *Config) **int64 { return &c.Limits.Download }, settings.ParseSize)},
			{Name: "requests", Default: "no limit", Help: "Operations begun in a second, such as `10` or `0.5`: more than 0.",
				To: settings.Positive("number", func(c *Config) **float64 { return &c.Limits.Requests }, settings.ParseNumber)},
		},
		CodeOnly: []string{"Limiter"},
	}
}
