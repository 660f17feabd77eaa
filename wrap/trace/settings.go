package trace

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "trace"

// A URL or a file can name no provider: it is OpenTelemetry's global one.
func init() {
	settings.RegisterWrapper(settings.Wrapper[Config]{
		Names: []string{wrapper},
		Wrap: func(next ltxstore.ReplicaClient, cfg Config) (ltxstore.ReplicaClient, error) {
			return New(next, cfg), nil
		},
	})
}
