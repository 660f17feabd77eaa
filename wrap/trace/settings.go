package trace

import "github.com/ltxstore/ltxstore/backend/settings"

const wrapper = "trace"

// A URL or a file cannot name a provider: the global one is used.
func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		New:   New,
	})
}
