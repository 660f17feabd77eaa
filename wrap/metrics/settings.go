package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "metrics"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has "metrics". A file can name no
// registry: it is Prometheus' default one, where Litestream's metrics are too.
type driver struct{ settings.Table[Config] }

// Wrap implements ltxstore.WrapperDriver.
func (d driver) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) (ltxstore.ReplicaClient, error)) (ltxstore.ReplicaClient, error) {
	var made *Client
	client, err := settings.Wrap(d.Table, settings.Source(src), next, func(Config) error { return nil },
		func(next ltxstore.ReplicaClient, _ Config) ltxstore.ReplicaClient {
			made = New(next, Config{Registerer: prometheus.DefaultRegisterer})
			return made
		})
	if err == nil && made != nil {
		err = made.wrong
	}
	return client, err
}

// Check implements ltxstore.WrapperDriver. It registers nothing.
func (d driver) Check(_ ltxstore.ReplicaClient, src ltxstore.Source, _ func(ltxstore.Source) error) error {
	return settings.Check(d.Table, settings.Source(src), func(Config) error { return nil })
}

func table() settings.Table[Config] {
	return settings.Table[Config]{Wrapper: []string{wrapper}, CodeOnly: []string{"Registerer"}}
}
