package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "metrics"

// A URL or a file cannot name a registry: the default one is used, as Litestream does.
func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		New: func(next ltxstore.ReplicaClient, _ Config) *Client {
			return New(next, Config{Registerer: prometheus.DefaultRegisterer})
		},
	})
}
