package readonly

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func init() { ltxstore.RegisterWrapper(driver{table()}, "readonly") }

// driver wraps replicas whose URL or file has "readonly".
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

func table() settings.Table[Config] { return settings.Table[Config]{Wrapper: []string{"readonly"}} }
