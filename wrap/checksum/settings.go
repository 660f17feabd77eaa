package checksum

import "github.com/ltxstore/ltxstore/backend/settings"

const wrapper = "checksum"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		New:   New,
	})
}
